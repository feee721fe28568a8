#include "trip.h"

#include "base/exp2.h"
#include "text/encode.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct kernel *original;
static struct kernel recording;

/* What is being written down: NULL while earlier tokens run. */
static struct trip *trip;
static uint32_t norms; /* so far: two a layer, and the output's */
static bool q_seen;    /* of this layer */

static struct trip_layer *layer(void)
{
    return &trip->layer[(norms - 1) / 2];
}

static float root_mean_square(const float *x, uint32_t n)
{
    double sum = 0;
    for (uint32_t i = 0; i < n; i++) {
        sum += (double)x[i] * x[i];
    }
    return (float)sqrt(sum / n);
}

static void norm_quantize(struct q8_vector *out, const float *x, const float *weight, uint32_t n, float epsilon)
{
    if (trip != NULL) {
        const float rms = root_mean_square(x, n);
        const uint32_t index = norms++;
        *(index == 2 * trip->layers ? &trip->rms_output
          : index % 2 == 0          ? &trip->layer[index / 2].rms_attention
                                    : &trip->layer[index / 2].rms_feed_forward) = rms;
        q_seen = false;
    }
    original->norm_quantize(out, x, weight, n, epsilon);
}

/* A layer's first heads are its queries. */
static void heads_quantize(int16_t *out, float *scale, const float *x, uint32_t heads, uint32_t size, float range)
{
    if (trip != NULL && !q_seen) {
        memcpy(layer()->q, x, (size_t)heads * size * sizeof *x);
        q_seen = true;
    }
    original->heads_quantize(out, scale, x, heads, size, range);
}

/* The scores of one head by attention_rules.h, which attention leaves nothing of; score [count]. */
static void record_scores(float *score, const struct attention_head *head, const struct attention *shape, float unit)
{
    for (uint32_t t = 0; t <= shape->position; t++) {
        int32_t dot = 0;
        for (uint32_t i = 0; i < shape->head_size; i++) {
            dot += head->q[i] * head->k[kv_key_index(shape->head_stride, t, i)];
        }
        score[t] = t < attention_first(shape) ? -INFINITY : (float)dot * head->k_scale[t] * unit;
    }
}

static void attention(const struct attention_task *task)
{
    struct attention_head head = attention_head(task);
    uint32_t index = task->first * attention_queries(&task->shape);
    for (uint32_t i = 0; trip != NULL && i < task->count; i++) {
        for (uint32_t j = 0; j < attention_queries(&task->shape); j++, index++) {
            const float factor = task->q_scale[index] * task->shape.score_factor; /* of an exponent of two */
            record_scores(layer()->score + (size_t)index * trip->count, &head, &task->shape,
                          factor * (float)(M_LN2 / (1 << ATTENTION_POWER_BITS)));
            attention_next(&head, &task->shape, 1);
        }
        attention_next_kv(&head, &task->shape);
    }
    original->attention(task);
}

const struct kernel *trip_kernel(const struct kernel *kernel)
{
    original = kernel;
    recording = *kernel;
    recording.norm_quantize = norm_quantize;
    recording.heads_quantize = heads_quantize;
    recording.attention = attention;
    return &recording;
}

/* ---- Taking it ---- */

static void *take(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (memory == NULL) {
        abort();
    }
    return memory;
}

static void begin(struct trip *out, const struct model *model, const int32_t *tokens, uint32_t count)
{
    *out = (struct trip){.count = count,
                         .layers = model->layers,
                         .heads = model->heads,
                         .head_size = model->head_size,
                         .dim = model->dim};
    out->token = take(count, sizeof *out->token);
    memcpy(out->token, tokens, count * sizeof *tokens);
    out->layer = take(out->layers, sizeof *out->layer);
    for (uint32_t i = 0; i < out->layers; i++) {
        out->layer[i].q = take((size_t)out->heads * out->head_size, sizeof(float));
        out->layer[i].score = take((size_t)out->heads * count, sizeof(float));
        out->layer[i].weight = take((size_t)out->heads * count, sizeof(float));
    }
}

void trip_free(struct trip *out)
{
    for (uint32_t i = 0; i < out->layers; i++) {
        free(out->layer[i].q);
        free(out->layer[i].score);
        free(out->layer[i].weight);
    }
    free(out->layer);
    free(out->token);
    *out = (struct trip){0};
}

/* weight [n] = softmax of x [n]. A position outside of a window has minus infinity, and the weight 0. */
static void softmax(float *weight, const float *x, uint32_t n)
{
    double largest = -INFINITY, sum = 0;
    for (uint32_t i = 0; i < n; i++) {
        largest = fmax(largest, x[i]);
    }
    for (uint32_t i = 0; i < n; i++) {
        sum += exp(x[i] - largest);
    }
    for (uint32_t i = 0; i < n; i++) {
        weight[i] = (float)(exp(x[i] - largest) / sum);
    }
}

static void weigh(struct trip *out)
{
    for (uint32_t i = 0; i < out->layers; i++) {
        for (uint32_t head = 0; head < out->heads; head++) {
            const size_t row = (size_t)head * out->count;
            softmax(out->layer[i].weight + row, out->layer[i].score + row, out->count);
        }
    }
}

/* The likeliest tokens of logits [n], the lower id first where two are alike. */
static void rank(struct trip_token likeliest[TRIP_LIKELIEST], const float *logits, uint32_t n)
{
    float *probability = take(n, sizeof *probability);
    softmax(probability, logits, n);
    for (uint32_t i = 0; i < TRIP_LIKELIEST; i++) {
        int32_t best = -1;
        for (uint32_t id = 0; id < n; id++) {
            best = probability[id] >= 0 && (best < 0 || probability[id] > probability[best]) ? (int32_t)id : best;
        }
        if (best >= 0) {
            likeliest[i] = (struct trip_token){best, logits[best], probability[best]};
            probability[best] = -1;
        }
    }
    free(probability);
}

/* Runs one position; returns the logits after it. */
static const float *run(struct engine *engine, const int32_t *token, uint32_t position)
{
    compute_begin(&engine->compute);
    const float *logits = transformer_run(&engine->transformer, token, 1, position, true);
    compute_end(&engine->compute);
    return logits;
}

int trip_take(struct trip *out, struct engine *engine, const char *text, size_t bytes, struct error *error)
{
    const int32_t count = encode_text(&engine->tokenizer, text, bytes, engine->text, engine->context, engine->scratch);
    if (count <= 0) {
        return error_set(error,
                         count < 0 ? "the text is longer than the context of %u tokens" : "the text has no token",
                         engine->context);
    }
    begin(out, &engine->model, engine->text, (uint32_t)count);
    for (uint32_t i = 0; i + 1 < out->count; i++) {
        run(engine, &out->token[i], i);
    }
    trip = out;
    norms = 0;
    const float *logits = run(engine, &out->token[out->count - 1], out->count - 1);
    trip = NULL;
    weigh(out);
    rank(out->likeliest, logits, engine->model.vocabulary);
    return 0;
}
