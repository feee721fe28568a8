/*
 * A whole model from arbitrary bytes: header, vocabulary, weights, one token. The input is the front of the file; zeros
 * follow it as the weights, so that a short input can be a complete model.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "gguf/header.h"
#include "infer/load.h"
#include "infer/transformer.h"
#include "kernel/kernel.h"
#include "memory_platform.h"
#include "text/decoder.h"
#include "text/encode.h"

enum { ZEROS = 24096, INPUT_MAX = 1 << 20, WINDOW = 2048, MEMORY = 2 << 20, TEXT_MAX = 4096, CONTEXT = 4 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct gguf gguf;
static _Alignas(4096) uint8_t memory[MEMORY];

/* What a tokenizer makes of any text must be tokens, and what a decoder makes of any token must fit. */
static void tell(const struct tokenizer *tokenizer)
{
    static const char text[] = "Once upon a time, ab\xC3\xB6 \xFF\n";
    static int32_t ids[200];
    static char out[TEXT_MAX];
    uint64_t scratch[(115 * (sizeof text + 1)) / 8 + 1];
    struct decoder decoder;
    if (encode_marked(tokenizer, text, sizeof text - 1, 5, 9, GGUF_NO_TOKEN, ids, 200, scratch) < 0) {
        abort();
    }
    int32_t count = encode_text(tokenizer, text, sizeof text - 1, ids, 200, scratch);
    if (encode_scratch(tokenizer->kind, sizeof text - 1) > sizeof scratch || count < 0) {
        abort();
    }
    decoder_begin(&decoder, true);
    for (int32_t i = 0; i < count; i++) {
        if (ids[i] < 0 || (uint32_t)ids[i] >= tokenizer->vocabulary ||
            decoder_push(&decoder, tokenizer, ids[i], out, sizeof out) > sizeof out) {
            abort();
        }
    }
    decoder_end(&decoder, out, sizeof out);
}

static void run_model(struct reader *reader, struct arena *arena)
{
    struct model model;
    struct transformer transformer;
    struct error error;
    const struct load_progress progress = {NULL, NULL};
    const int32_t last = (int32_t)gguf.vocabulary - 1;
    if (model_layout(&model, &gguf, &kernel_scalar, arena) != 0 ||
        load_weights(&model, &gguf, reader, arena, &progress, &error) != 0 ||
        transformer_layout(&transformer, &model, CONTEXT, arena) != 0) {
        return;
    }
    if (transformer_run(&transformer, &last, 1, 0, true) == NULL) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t bytes[INPUT_MAX + ZEROS], window[WINDOW];
    struct memory_file file = {"/MODELS/FUZZ.GGUF", bytes, size + ZEROS};
    struct memory_platform platform;
    struct arena arena = {memory, sizeof memory, 0};
    struct tokenizer tokenizer;
    struct reader reader;
    struct error error;
    if (size > INPUT_MAX) {
        return 0;
    }
    memcpy(bytes, data, size);
    memset(bytes + size, 0, ZEROS);
    memory_platform_init(&platform, &file, 1);
    if (reader_open(&reader, &platform.platform, file.path, window, sizeof window, &error) != 0) {
        abort();
    }
    if (gguf_read(&gguf, &reader, &error) != 0) {
        if (strncmp(error.text, "/MODELS/FUZZ.GGUF: ", 19) != 0) {
            abort();
        }
    } else if (tokenizer_load(&tokenizer, &gguf, &reader, &arena, &error) == 0) {
        tell(&tokenizer);
        run_model(&reader, &arena);
    }
    reader_close(&reader);
    return 0;
}
