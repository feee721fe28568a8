#include "sampler.h"
#include "exp2.h"

/* The most likely candidate first; among equals the lower id. A total order, so that no sort can matter. */
static bool ranks_before(struct candidate a, struct candidate b)
{
    return a.weight > b.weight || (a.weight == b.weight && a.id < b.id);
}

struct sampling sampling_default(void)
{
    return (struct sampling){
        .temperature = 0.8f, .top_p = 0.9f, .min_p = 0.0f, .repeat_penalty = 1.0f, .top_k = 0, .seed = 192};
}

size_t sampler_memory(uint32_t vocabulary)
{
    return (size_t)vocabulary * sizeof(struct candidate) + sizeof(struct candidate);
}

void sampler_init(struct sampler *sampler, const struct kernel *kernel, uint32_t vocabulary, struct arena *arena)
{
    *sampler = (struct sampler){.kernel = kernel, .vocabulary = vocabulary};
    sampler->candidates = arena_take(arena, (size_t)vocabulary * sizeof(struct candidate), sizeof(struct candidate));
}

void sampler_begin(struct sampler *sampler, const struct sampling *settings)
{
    sampler->settings = *settings;
    sampler->state = settings->seed != 0 ? settings->seed : 1;
    sampler->recent_count = 0;
}

void sampler_accept(struct sampler *sampler, int32_t id)
{
    sampler->recent[sampler->recent_count++ % SAMPLER_PENALTY_WINDOW] = id;
}

/* xorshift64* (Vigna 2014), its upper 24 of 32 bits as a number in [0, 1): llama2.c's random_f32. */
static float random_unit(struct sampler *sampler)
{
    uint64_t state = sampler->state;
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    sampler->state = state;
    const uint32_t random = (uint32_t)(state * 0x2545F4914F6CDD1Dull >> 32);
    return (float)(int32_t)(random >> 8) / 16777216.0f;
}

/* Each token of the window counts once, however often it occurs. */
static void penalize(const struct sampler *sampler, float *logits)
{
    const uint32_t count =
        sampler->recent_count < SAMPLER_PENALTY_WINDOW ? sampler->recent_count : SAMPLER_PENALTY_WINDOW;
    const float penalty = sampler->settings.repeat_penalty;
    for (uint32_t i = 0; i < count; i++) {
        const int32_t id = sampler->recent[i];
        bool again = false;
        for (uint32_t j = 0; j < i; j++) {
            again = again || sampler->recent[j] == id;
        }
        if (!again) {
            logits[id] = logits[id] > 0 ? logits[id] / penalty : logits[id] * penalty;
        }
    }
}

static bool all_finite(const float *logits, uint32_t n)
{
    uint32_t largest = 0;
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t magnitude = float_bits(logits[i]) & 0x7FFFFFFF;
        largest = magnitude > largest ? magnitude : largest;
    }
    return largest < FLOAT_INFINITY;
}

static int32_t most_likely(const float *logits, uint32_t n)
{
    uint32_t best = 0;
    float highest = logits[0];
    for (uint32_t i = 1; i < n; i++) {
        if (logits[i] > highest) {
            highest = logits[i];
            best = i;
        }
    }
    return (int32_t)best;
}

/* logits become weights, probabilities relative to the highest; returns their sum. */
static float softmax(const struct sampler *sampler, float *logits)
{
    const uint32_t padded = round_up(sampler->vocabulary, LANES);
    for (uint32_t i = sampler->vocabulary; i < padded; i++) {
        logits[i] = -float_from_bits(FLOAT_INFINITY);
    }
    return sampler->kernel->exponentials(logits, padded, LOG2_E / sampler->settings.temperature);
}

/* Moves the candidate at `at` down to its place in a heap with the first-ranked on top. */
static void sift_down(struct candidate *heap, uint32_t count, uint32_t at)
{
    const struct candidate moved = heap[at];
    for (uint32_t child = 2 * at + 1; child < count; child = 2 * at + 1) {
        if (child + 1 < count && ranks_before(heap[child + 1], heap[child])) {
            child++;
        }
        if (!ranks_before(heap[child], moved)) {
            break;
        }
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = moved;
}

/* Collects tokens of at least `least` weight as a heap; returns their number. */
static uint32_t gather(struct candidate *heap, const float *weights, uint32_t n, float least)
{
    uint32_t count = 0;
    for (uint32_t id = 0; id < n; id++) {
        if (weights[id] >= least) {
            heap[count++] = (struct candidate){weights[id], (int32_t)id};
        }
    }
    for (uint32_t at = count / 2; at-- > 0;) {
        sift_down(heap, count, at);
    }
    return count;
}

/* Takes the `keep` first-ranked off a heap of `count`: they end up at its far end, the first-ranked last. */
static void pop(struct candidate *heap, uint32_t count, uint32_t keep)
{
    for (uint32_t left = count; left > count - keep; left--) {
        const struct candidate top = heap[0];
        heap[0] = heap[left - 1];
        sift_down(heap, left - 1, 0);
        heap[left - 1] = top;
    }
}

/* Draws from `count` candidates, the last-ranked first in memory, limited to those that make up top_p of `mass`. */
static int32_t draw(const struct candidate *ranked, uint32_t count, float mass, float top_p, float coin)
{
    const bool limited = top_p > 0 && top_p < 1;
    float kept = 0;
    uint32_t last = count; /* candidates last .. count - 1 are kept */
    while (last > 0 && !(limited && kept > top_p * mass)) {
        kept += ranked[--last].weight;
    }
    const float target = coin * kept;
    float sum = 0;
    for (uint32_t i = count; i > last; i--) {
        sum += ranked[i - 1].weight;
        if (target < sum) {
            return ranked[i - 1].id;
        }
    }
    return ranked[last].id; /* rounding */
}

static int32_t draw_from_all(const float *weights, uint32_t n, float target)
{
    float sum = 0;
    uint32_t last = 0;
    for (uint32_t id = 0; id < n; id++) {
        sum += weights[id];
        last = weights[id] > 0 ? id : last;
        if (target < sum) {
            return (int32_t)id;
        }
    }
    return (int32_t)last; /* rounding */
}

static int32_t draw_from_best(struct sampler *sampler, const float *weights, float mass, float coin)
{
    const struct sampling *settings = &sampler->settings;
    const uint32_t n = sampler->vocabulary;
    const bool cut = settings->top_k > 0 || settings->min_p > 0;
    float least = settings->min_p;
    if (!cut && n > 1) { /* none below can be within top_p: run.c's shortcut */
        least = (1.0f - settings->top_p) / (float)(int32_t)(n - 1) * mass;
        least = least < 1.0f ? least : 1.0f;
    }
    const uint32_t count = gather(sampler->candidates, weights, n, least);
    const uint32_t keep = settings->top_k > 0 && settings->top_k < count ? settings->top_k : count;
    pop(sampler->candidates, count, keep);
    const struct candidate *ranked = sampler->candidates + (count - keep);
    if (cut) { /* top_p is then a part of what top_k and min_p left */
        mass = 0;
        for (uint32_t i = keep; i > 0; i--) {
            mass += ranked[i - 1].weight;
        }
    }
    return draw(ranked, keep, mass, settings->top_p, coin);
}

int32_t sampler_next(struct sampler *sampler, float *logits)
{
    const struct sampling *settings = &sampler->settings;
    const uint32_t n = sampler->vocabulary;
    if (!all_finite(logits, n)) {
        return SAMPLER_NOT_FINITE;
    }
    if (settings->repeat_penalty != 1.0f) {
        penalize(sampler, logits);
    }
    if (settings->temperature == 0) {
        return most_likely(logits, n);
    }
    const float mass = softmax(sampler, logits);
    const float coin = random_unit(sampler);
    const bool limited = settings->top_p > 0 && settings->top_p < 1;
    if (!limited && settings->top_k == 0 && settings->min_p == 0) {
        return draw_from_all(logits, n, coin * mass);
    }
    return draw_from_best(sampler, logits, mass, coin);
}
