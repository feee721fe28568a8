#include "base/exp2.h"
#include "base/number.h"
#include "infer/sampler.h"

/* The most likely candidate first; among equals the lower id. A total order makes the sort algorithm irrelevant. */
static bool ranks_before(struct sampler_candidate a, struct sampler_candidate b)
{
    return a.chance > b.chance || (a.chance == b.chance && a.id < b.id);
}

struct sampler_settings sampler_defaults(void)
{
    return (struct sampler_settings){
        .temperature = 0.8f, .top_p = 0.9f, .min_p = 0.0f, .repeat_penalty = 1.0f, .top_k = 0, .seed = 487};
}

size_t sampler_memory(uint32_t vocabulary)
{
    return (size_t)vocabulary * sizeof(struct sampler_candidate) + sizeof(struct sampler_candidate);
}

void sampler_init(struct sampler *sampler, const struct kernel *kernel, uint32_t vocabulary, struct arena *arena)
{
    *sampler = (struct sampler){.kernel = kernel, .vocabulary = vocabulary};
    sampler->candidates =
        arena_take_array(arena, vocabulary, sizeof(struct sampler_candidate), sizeof(struct sampler_candidate));
}

void sampler_begin(struct sampler *sampler, const struct sampler_settings *settings)
{
    sampler->settings = *settings;
    sampler->state = settings->seed != 0 ? settings->seed : 1;
    sampler->recent_count = 0;
}

void sampler_accept(struct sampler *sampler, int32_t id)
{
    sampler->recent[sampler->recent_count++ % SAMPLER_PENALTY_WINDOW] = id;
}

/* xorshift64* (Vigna 2014), the upper 24 of its 32 bits as a number in [0, 1): llama2.c's random_f32. */
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

/* The two loops over all logits use integers, which compilers vectorize. */

static bool all_finite(const float *logits, uint32_t n)
{
    uint32_t broken = 0;
    for (uint32_t i = 0; i < n; i++) {
        broken |= (float_bits(logits[i]) & FLOAT_INFINITY) == FLOAT_INFINITY;
    }
    return broken == 0;
}

static int32_t most_likely(const float *logits, uint32_t n)
{
    int32_t highest = INT32_MIN;
    uint32_t id = 0;
    for (uint32_t i = 0; i < n; i++) {
        const int32_t key = float_order((int32_t)float_bits(logits[i]));
        highest = key > highest ? key : highest;
    }
    while (logits[id] != float_from_bits((uint32_t)float_order(highest))) {
        id++;
    }
    return (int32_t)id;
}

/* Turns logits into chances, that is, probabilities relative to the highest; returns their sum. */
static float softmax(const struct sampler *sampler, float *logits)
{
    const uint32_t padded = number_round_up(sampler->vocabulary, KERNEL_LANES);
    for (uint32_t i = sampler->vocabulary; i < padded; i++) {
        logits[i] = -float_from_bits(FLOAT_INFINITY);
    }
    return sampler->kernel->exponentials(logits, padded, LOG2_E / sampler->settings.temperature);
}

/* Moves the candidate at `at` down to its place in a heap with the first-ranked on top. */
static void sift_down(struct sampler_candidate *heap, uint32_t count, uint32_t at)
{
    const struct sampler_candidate moved = heap[at];
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

/* Collects tokens of at least `least` >= 0 chance as a heap; returns their number. No chance is negative, so bits order
   like chances; integers compare faster if x87 is emulated. */
static uint32_t gather(struct sampler_candidate *heap, const float *chances, uint32_t n, float least)
{
    uint32_t count = 0;
    for (uint32_t id = 0; id < n; id++) {
        if (float_bits(chances[id]) >= float_bits(least)) {
            heap[count++] = (struct sampler_candidate){chances[id], (int32_t)id};
        }
    }
    for (uint32_t at = count / 2; at-- > 0;) {
        sift_down(heap, count, at);
    }
    return count;
}

/* Takes the first-ranked off a heap of `count` and puts it after the others; returns its chance. */
static float pop(struct sampler_candidate *heap, uint32_t count)
{
    const struct sampler_candidate top = heap[0];
    heap[0] = heap[count - 1];
    sift_down(heap, count - 1, 0);
    heap[count - 1] = top;
    return top.chance;
}

/* Draws from the first-ranked candidates that make up top_p of `mass`. Candidates from `ranked` on are already off the
   heap and sorted, with the first-ranked last; if all are on it, as many as needed are taken off. */
static int32_t draw(struct sampler_candidate *heap, uint32_t count, uint32_t ranked, float mass, float top_p,
                    float coin)
{
    const bool limited = top_p > 0 && top_p < 1, sorted = ranked < count;
    const uint32_t least = sorted ? ranked : 0;
    float kept = 0;
    uint32_t last = count; /* candidates last .. count - 1 are kept */
    while (last > least && !(limited && kept > top_p * mass)) {
        kept += sorted ? heap[last - 1].chance : pop(heap, last);
        last--;
    }
    const float target = coin * kept;
    float sum = 0;
    for (uint32_t i = count; i > last; i--) {
        sum += heap[i - 1].chance;
        if (target < sum) {
            return heap[i - 1].id;
        }
    }
    return heap[last].id; /* rounding */
}

static int32_t draw_from_all(const float *chances, uint32_t n, float target)
{
    float sum = 0;
    uint32_t last = 0;
    for (uint32_t id = 0; id < n; id++) {
        sum += chances[id];
        last = chances[id] > 0 ? id : last;
        if (target < sum) {
            return (int32_t)id;
        }
    }
    return (int32_t)last; /* rounding */
}

static int32_t draw_from_best(struct sampler *sampler, const float *chances, float mass, float coin)
{
    const struct sampler_settings *settings = &sampler->settings;
    const uint32_t n = sampler->vocabulary;
    const bool cut = settings->top_k > 0 || settings->min_p > 0;
    float least = settings->min_p;
    if (!cut && n > 1) { /* none below this can be within top_p: run.c's shortcut */
        least = (1.0f - settings->top_p) / (float)(int32_t)(n - 1) * mass;
        least = least < 1.0f ? least : 1.0f;
    }
    const uint32_t count = gather(sampler->candidates, chances, n, least);
    uint32_t ranked = count;
    if (cut) { /* top_p then applies to what top_k and min_p left */
        const uint32_t keep = settings->top_k > 0 && settings->top_k < count ? settings->top_k : count;
        mass = 0;
        for (; ranked > count - keep; ranked--) {
            mass += pop(sampler->candidates, ranked);
        }
    }
    return draw(sampler->candidates, count, ranked, mass, settings->top_p, coin);
}

int32_t sampler_next(struct sampler *sampler, float *logits)
{
    const struct sampler_settings *settings = &sampler->settings;
    const uint32_t n = sampler->vocabulary;
    if (settings->repeat_penalty != 1.0f) {
        penalize(sampler, logits);
    }
    if (!all_finite(logits, n)) {
        return SAMPLER_NOT_FINITE;
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
