/*
 * What ways to round weights cost a model: the divergence from the model in single precision.
 *
 * alternatives CHECKPOINT.bin < IDS
 *
 * CHECKPOINT.bin is a model of llama2.c's training. IDS are token ids, a line each; an id 1 (BOS) begins a text, and
 * every text is cut to the model's context. For each way the program prints how many bits a weight takes, the mean over
 * all positions of KL(f32 || rounded) in nat, and in how many of them the likeliest token is the same. It computes as
 * llama2.c does, with libm, and shares nothing with core/ but the half floats.
 */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/half.h"
#include "model/checkpoint.h"
#include "model/tool.h"

enum { BOS = 1, BYTES_LARGEST = 127, NIBBLE_LARGEST = 7, GROUP = 32 };

struct way {
    const char *name;
    uint32_t group;   /* weights of a row that share a scale; 0: as `name` says */
    int32_t largest;  /* of the whole numbers; 0: nothing is rounded */
    bool activations; /* are rounded to int8 in groups of 32, too */
};

enum { WHOLE_ROW = 1 << 20, MATRIX = 0 };

static const struct way ways[] = {
    {"f32", GROUP, 0, false},
    {"int8, a scale for a matrix", MATRIX, BYTES_LARGEST, false},
    {"int8, a scale for a row", WHOLE_ROW, BYTES_LARGEST, false},
    {"int8, groups of 64", 64, BYTES_LARGEST, false},
    {"int8, groups of 32", GROUP, BYTES_LARGEST, false},
    {"int8, groups of 16", 16, BYTES_LARGEST, false},
    {"int8, groups of 8", 8, BYTES_LARGEST, false},
    {"4 bits, groups of 32", GROUP, NIBBLE_LARGEST, false},
    {"int8, groups of 32, and activations", GROUP, BYTES_LARGEST, true},
};
enum { WAYS = sizeof ways / sizeof ways[0] };

/* ---- Rounding ---- */

static float largest_of(const float *x, uint32_t n)
{
    float largest = 0;
    for (uint32_t i = 0; i < n; i++) {
        largest = fmaxf(largest, fabsf(x[i]));
    }
    return largest;
}

/* x [n] = what is left of it as whole numbers up to `most` with one scale, an f16 as in a file. */
static void round_by(float *x, uint32_t n, float largest, int32_t most)
{
    const float scale = largest / (float)most, kept = half_to_float(half_from_float(scale));
    for (uint32_t i = 0; i < n; i++) {
        x[i] = scale > 0 ? roundf(x[i] / scale) * kept : 0;
    }
}

static void round_rows(float *x, uint32_t rows, uint32_t cols, const struct way *way)
{
    if (way->group == MATRIX) {
        round_by(x, rows * cols, largest_of(x, rows * cols), way->largest);
        return;
    }
    for (uint32_t row = 0; row < rows; row++, x += cols) {
        for (uint32_t i = 0; i < cols; i += way->group) {
            const uint32_t n = cols - i < way->group ? cols - i : way->group;
            round_by(x + i, n, largest_of(x + i, n), way->largest);
        }
    }
}

/* ---- The model ---- */

struct network {
    struct checkpoint file;
    const struct way *way;
    float *tensor[GGUF_TENSORS_MAX]; /* [rows][cols] */
    uint64_t weights, scales;        /* of the matrices */
    float *keys, *values;            /* [layers][context][kv_dim] */
};

static uint32_t kv_dim(const struct network *net)
{
    return net->file.kv_heads * net->file.head_size;
}

static void load(struct network *net, const char *path, const struct way *way)
{
    net->way = way;
    checkpoint_open(&net->file, path);
    for (uint32_t id = 0; id < net->file.tensor_count; id++) {
        const struct checkpoint_tensor *shape = &net->file.tensor[id];
        net->tensor[id] = allocate(((size_t)shape->rows * shape->cols + 1) * sizeof(float));
        for (uint32_t row = 0; row < shape->rows; row++) {
            checkpoint_row(&net->file, id, row, net->tensor[id] + (size_t)row * shape->cols);
        }
        if (shape->rows > 1) { /* norms stay as they are */
            const uint32_t groups = way->group == MATRIX ? 0 : (shape->cols - 1) / way->group + 1;
            net->weights += (uint64_t)shape->rows * shape->cols;
            net->scales += groups > 0 ? (uint64_t)shape->rows * groups : 1;
            if (way->largest > 0) {
                round_rows(net->tensor[id], shape->rows, shape->cols, way);
            }
        }
    }
    const size_t cache = (size_t)net->file.layers * net->file.context * kv_dim(net);
    net->keys = allocate(cache * sizeof(float));
    net->values = allocate(cache * sizeof(float));
    checkpoint_close(&net->file);
}

static void unload(struct network *net)
{
    for (uint32_t id = 0; id < net->file.tensor_count; id++) {
        free(net->tensor[id]);
    }
    free(net->keys);
    free(net->values);
}

static double bits_of_weight(const struct network *net)
{
    const struct way *way = net->way;
    const double each = way->largest == 0 ? 32 : way->largest == NIBBLE_LARGEST ? 4 : 8;
    return each + (way->largest == 0 ? 0 : 16.0 * (double)net->scales / (double)net->weights);
}

static void norm(float *out, const float *x, const float *weight, uint32_t n)
{
    float sum = 0;
    for (uint32_t i = 0; i < n; i++) {
        sum += x[i] * x[i];
    }
    const float inverse = 1.0f / sqrtf(sum / (float)n + 1e-5f);
    for (uint32_t i = 0; i < n; i++) {
        out[i] = weight[i] * (x[i] * inverse);
    }
}

/* out [rows] = a matrix by x [cols], which is rounded where the way says so; or += where `add` is set. */
static void multiply(const struct network *net, float *out, uint32_t id, float *x, bool add)
{
    const struct checkpoint_tensor *shape = &net->file.tensor[id];
    const float *w = net->tensor[id];
    if (net->way->activations) {
        static const struct way as_ours = {"", GROUP, BYTES_LARGEST, false};
        round_rows(x, 1, shape->cols, &as_ours);
    }
    for (uint32_t row = 0; row < shape->rows; row++, w += shape->cols) {
        float sum = 0;
        for (uint32_t i = 0; i < shape->cols; i++) {
            sum += w[i] * x[i];
        }
        out[row] = add ? out[row] + sum : sum;
    }
}

static void rotate(float *x, uint32_t n, uint32_t head_size, uint32_t position)
{
    for (uint32_t i = 0; i < n; i += 2) {
        const float angle = (float)position / powf(10000.0f, (float)(i % head_size) / (float)head_size);
        const float even = x[i], odd = x[i + 1], c = cosf(angle), s = sinf(angle);
        x[i] = even * c - odd * s;
        x[i + 1] = even * s + odd * c;
    }
}

/* out [head_size]: one head's query q with the keys and values up to a position, `stride` apart. */
static void attend(float *out, const float *q, const float *k, const float *v, uint32_t head_size, uint32_t stride,
                   uint32_t position)
{
    float score[1024], largest = -INFINITY, sum = 0;
    for (uint32_t t = 0; t <= position; t++) {
        float dot = 0;
        for (uint32_t i = 0; i < head_size; i++) {
            dot += q[i] * k[(size_t)t * stride + i];
        }
        score[t] = dot / sqrtf((float)head_size);
        largest = fmaxf(largest, score[t]);
    }
    for (uint32_t t = 0; t <= position; t++) {
        score[t] = expf(score[t] - largest);
        sum += score[t];
    }
    memset(out, 0, head_size * sizeof *out);
    for (uint32_t t = 0; t <= position; t++) {
        for (uint32_t i = 0; i < head_size; i++) {
            out[i] += score[t] / sum * v[(size_t)t * stride + i];
        }
    }
}

struct scratch {
    float x[1024], normed[1024], q[1024], attended[1024], gate[4096], up[4096];
};

static void attention(struct network *net, struct scratch *s, uint32_t layer, uint32_t position)
{
    const struct checkpoint *file = &net->file;
    const uint32_t id = GGUF_TENSOR_LAYERS + layer * GGUF_LAYER_TENSORS, kv = kv_dim(net), size = file->head_size;
    float *keys = net->keys + (size_t)layer * file->context * kv;
    float *values = net->values + (size_t)layer * file->context * kv, *k = keys + (size_t)position * kv;
    norm(s->normed, s->x, net->tensor[id + GGUF_LAYER_ATTN_NORM], file->dim);
    multiply(net, s->q, id + GGUF_LAYER_ATTN_Q, s->normed, false);
    multiply(net, k, id + GGUF_LAYER_ATTN_K, s->normed, false);
    multiply(net, values + (size_t)position * kv, id + GGUF_LAYER_ATTN_V, s->normed, false);
    rotate(s->q, file->dim, size, position);
    rotate(k, kv, size, position);
    for (uint32_t head = 0; head < file->heads; head++) {
        const size_t from = head / (file->heads / file->kv_heads) * size;
        attend(s->attended + head * size, s->q + head * size, keys + from, values + from, size, kv, position);
    }
    multiply(net, s->x, id + GGUF_LAYER_ATTN_OUTPUT, s->attended, true);
}

static void feed_forward(struct network *net, struct scratch *s, uint32_t layer)
{
    const uint32_t id = GGUF_TENSOR_LAYERS + layer * GGUF_LAYER_TENSORS;
    norm(s->normed, s->x, net->tensor[id + GGUF_LAYER_FFN_NORM], net->file.dim);
    multiply(net, s->gate, id + GGUF_LAYER_FFN_GATE, s->normed, false);
    multiply(net, s->up, id + GGUF_LAYER_FFN_UP, s->normed, false);
    for (uint32_t i = 0; i < net->file.hidden; i++) {
        s->gate[i] = s->gate[i] / (1.0f + expf(-s->gate[i])) * s->up[i];
    }
    multiply(net, s->x, id + GGUF_LAYER_FFN_DOWN, s->gate, true);
}

/* logits [vocabulary] after one token. */
static void run(struct network *net, float *logits, uint32_t token, uint32_t position)
{
    struct scratch s;
    const uint32_t dim = net->file.dim;
    memcpy(s.x, net->tensor[GGUF_TENSOR_TOKEN_EMBD] + (size_t)token * dim, dim * sizeof *s.x);
    for (uint32_t layer = 0; layer < net->file.layers; layer++) {
        attention(net, &s, layer, position);
        feed_forward(net, &s, layer);
    }
    norm(s.normed, s.x, net->tensor[GGUF_TENSOR_OUTPUT_NORM], dim);
    multiply(net, logits, net->file.tied ? GGUF_TENSOR_TOKEN_EMBD : GGUF_TENSOR_OUTPUT, s.normed, false);
}

/* ---- The measure ---- */

static uint32_t likeliest(const float *logits, uint32_t n)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < n; i++) {
        best = logits[i] > logits[best] ? i : best;
    }
    return best;
}

/* log of the sum of e^logit */
static double log_sum(const float *logits, uint32_t n)
{
    const double largest = logits[likeliest(logits, n)];
    double sum = 0;
    for (uint32_t i = 0; i < n; i++) {
        sum += exp(logits[i] - largest);
    }
    return largest + log(sum);
}

/* KL(p || q) of the softmaxes of two rows of logits [n], nat. */
static double divergence(const float *p, const float *q, uint32_t n)
{
    const double p_sum = log_sum(p, n), q_sum = log_sum(q, n);
    double sum = 0;
    for (uint32_t i = 0; i < n; i++) {
        sum += exp(p[i] - p_sum) * (p[i] - p_sum - (q[i] - q_sum));
    }
    return sum;
}

/* All logits [count][vocabulary] of the tokens. */
static float *run_all(struct network *net, const uint32_t *token, uint32_t count)
{
    float *logits = allocate((size_t)count * net->file.vocabulary * sizeof *logits);
    uint32_t position = 0;
    for (uint32_t i = 0; i < count; i++, position++) {
        position = token[i] == BOS ? 0 : position;
        if (token[i] >= net->file.vocabulary || position >= net->file.context) {
            die("token %u, number %u of its text, is not one of this model's", token[i], position);
        }
        run(net, logits + (size_t)i * net->file.vocabulary, token[i], position);
    }
    return logits;
}

int main(int argc, char **argv)
{
    static uint32_t token[1 << 16];
    static struct network net;
    uint32_t count = 0;
    if (argc != 2) {
        fprintf(stderr, "usage: alternatives CHECKPOINT.bin < IDS\n");
        return EXIT_USAGE;
    }
    while (count < sizeof token / sizeof token[0] && scanf("%u", &token[count]) == 1) {
        count++;
    }
    float *exact = NULL;
    printf("%u positions%34s bits/weight      KL  same top\n", count, "");
    for (const struct way *way = ways; way < ways + WAYS; way++) {
        net = (struct network){0};
        load(&net, argv[1], way);
        float *logits = run_all(&net, token, count);
        const uint32_t n = net.file.vocabulary;
        uint32_t same = 0;
        double sum = 0;
        exact = exact == NULL ? logits : exact;
        for (size_t i = 0; i < count; i++) {
            sum += divergence(exact + i * n, logits + i * n, n);
            same += likeliest(exact + i * n, n) == likeliest(logits + i * n, n);
        }
        printf("%-47s %9.2f  %8.5f %6.1f %%\n", way->name, bits_of_weight(&net), sum / count, 100.0 * same / count);
        unload(&net);
    }
    return 0;
}
