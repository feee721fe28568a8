/*
 * A valid model of an odd shape (odd_model.h) on every kernel that this processor runs: each must load it, and give the
 * scalar kernel's logits to the bit, whatever the calls that a text is split into.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "any_cpu/runs_here.h"
#include "base/error.h"
#include "gguf/header.h"
#include "infer/load.h"
#include "infer/model.h"
#include "infer/transformer.h"
#include "memory_platform.h"
#include "odd_model.h"
#include "text/tokenizer.h"

enum { WINDOW = 2048, MEMORY = 24 << 20, VOCABULARY_MAX = 128, TEXT_MAX = 280 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct text {
    int32_t tokens[TEXT_MAX];
    uint32_t length;
    uint32_t calls[TEXT_MAX]; /* positions of each call, used in turn */
};

static struct gguf gguf;
static _Alignas(4096) uint8_t memory[MEMORY];
static float expected[TEXT_MAX][VOCABULARY_MAX];

static void demand(bool good, const char *what, const char *why)
{
    if (!good) {
        fprintf(stderr, "%s: %s\n", what, why);
        abort();
    }
}

/* Attention goes by chunks from 257 positions on. */
static struct text choose_text(struct choices *choices, uint32_t context, uint32_t vocabulary)
{
    struct text text = {.length = 1 + choices_below(choices, choices_one_in(choices, 16) ? TEXT_MAX : 20)};
    text.length = text.length < context ? text.length : context;
    for (uint32_t i = 0; i < text.length; i++) {
        text.tokens[i] = (int32_t)choices_below(choices, vocabulary);
        text.calls[i] = 1 + choices_below(choices, TRANSFORMER_BLOCK);
    }
    return text;
}

/* All NaNs are equal, whatever their bits. */
static bool same(const float *a, const float *b, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        const bool both_nan = a[i] != a[i] && b[i] != b[i];
        if (!both_nan && memcmp(a + i, b + i, sizeof *a) != 0) {
            return false;
        }
    }
    return true;
}

static void define(struct transformer *transformer, const struct text *text)
{
    for (uint32_t at = 0; at < text->length; at++) {
        const float *logits = transformer_run(transformer, text->tokens + at, 1, at, true);
        memcpy(expected[at], logits, gguf.vocabulary * sizeof *logits);
    }
}

static void compare(struct transformer *transformer, const struct text *text, const char *kernel)
{
    for (uint32_t at = 0, call = 0; at < text->length; call++) {
        const uint32_t left = text->length - at, count = text->calls[call] < left ? text->calls[call] : left;
        const bool want = count == 1 || count == left || call % 2 == 0;
        const float *logits = transformer_run(transformer, text->tokens + at, count, at, want);
        at += count;
        demand(!want || same(logits, expected[at - 1], gguf.vocabulary), kernel,
               "other logits than the scalar kernel's");
    }
}

/* Loads the model for a kernel. Returns false if a weight is rejected. */
static bool load(struct model *model, struct transformer *transformer, const struct kernel *kernel,
                 struct reader *reader, struct arena *arena)
{
    struct error error = {""};
    const struct load_progress progress = {NULL, NULL};
    demand(model_layout(model, &gguf, kernel, arena) == 0, kernel->name, "the model has no room");
    if (load_weights(model, &gguf, reader, arena, &progress, &error) != 0) {
        return false;
    }
    demand(transformer_layout(transformer, model, gguf.context, arena) == 0, kernel->name, "the text has no room");
    return true;
}

static void run_kernels(struct reader *reader, const struct text *text)
{
    static const uint8_t before[] = {0, 0xFF, 0x80, 0x7F}; /* what fills the cache, which nothing clears */
    struct cpu_features cpu;
    struct model model;
    struct transformer transformer;
    bool loaded = false;
    cpu_detect(&cpu);
    for (uint32_t i = 0; i < KERNELS; i++) { /* the scalar one comes first */
        struct arena arena = {memory, sizeof memory, 0};
        if (!runs_here(kernel_at(i), &cpu)) {
            continue;
        }
        const bool good = load(&model, &transformer, kernel_at(i), reader, &arena);
        demand(i == 0 || good == loaded, kernel_at(i)->name, "loads what the scalar kernel does not, or the reverse");
        loaded = good;
        if (good) {
            memset(transformer.cache.k, before[i % sizeof before], (size_t)transformer_cache_bytes(&transformer));
        }
        if (good && i == 0) {
            define(&transformer, text);
        }
        if (good) {
            compare(&transformer, text, kernel_at(i)->name);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t window[WINDOW];
    struct choices choices = {data, size};
    struct memory_file file = {"/MODELS/ODD.GGUF", NULL, 0};
    struct arena arena = {memory, sizeof memory, 0};
    struct memory_platform platform;
    struct tokenizer tokenizer;
    struct reader reader;
    struct error error = {""};
    size_t bytes;
    uint8_t *model = odd_model(&choices, &bytes);

    file.data = model;
    file.size = bytes;
    memory_platform_init(&platform, &file, 1);
    demand(reader_open(&reader, &platform.platform, file.path, window, sizeof window, &error) == 0, "open", error.text);
    demand(gguf_read(&gguf, &reader, &error) == 0, "header", error.text);
    demand(tokenizer_load(&tokenizer, &gguf, &reader, &arena, &error) == 0, "tokenizer", error.text);
    const struct text text = choose_text(&choices, gguf.context, gguf.vocabulary);
    run_kernels(&reader, &text);
    reader_close(&reader);
    free(model);
    return 0;
}
