/* engine.h: a model that is read through the platform's own window, or through one in the engine's memory. */
#include "unit.h"

#include <stdlib.h>

#include "infer/engine.h"
#include "memory_platform.h"
#include "sample_model.h"

enum { MEMORY_BYTES = 8 << 20, LARGE = 1 << 20, CLOSING = 64, POSITIONS = 5 };

static struct {
    struct memory_platform memory;
    struct engine engine;
    uint8_t *bytes;
    size_t size;
    int (*read)(struct platform *, struct platform_file *, uint64_t, void *, uint32_t);
} f;

static _Alignas(4096) uint8_t room[PLATFORM_WINDOW_ROOM + LARGE + CLOSING];

/* Whatever is read goes to the platform's window, if there is one. */
static int read_checked(struct platform *platform, struct platform_file *file, uint64_t offset, void *buffer,
                        uint32_t bytes)
{
    assert_true(platform->window == NULL || (buffer == platform->window && bytes <= platform->preferred_read));
    return f.read(platform, file, offset, buffer, bytes);
}

static uint64_t memory_free(struct platform *platform)
{
    (void)platform;
    return MEMORY_BYTES;
}

static void *reserve(struct platform *platform, size_t bytes)
{
    (void)platform;
    assert_true(bytes <= MEMORY_BYTES);
    return aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);
}

static void release(struct platform *platform, void *memory, size_t bytes)
{
    (void)platform;
    (void)bytes;
    free(memory);
}

static void open_sample(uint8_t *window, uint32_t window_bytes)
{
    const struct load_progress quiet = {NULL, NULL};
    const struct memory_file file = {"/M.GGUF", f.bytes, f.size};
    struct error error;
    memory_platform_init(&f.memory, &file, 1);
    struct platform *platform = &f.memory.platform;
    f.read = platform->read;
    platform->read = read_checked;
    platform->memory_free = memory_free;
    platform->reserve = reserve;
    platform->release = release;
    platform->window = window;
    platform->preferred_read = window_bytes;
    if (engine_open(&f.engine, platform, "/M.GGUF", &kernel_scalar, GGUF_CONTEXT_MAX, &quiet, &error) != 0) {
        fail_test("refused: %s\n", error.text);
    }
    assert_int_equal(f.memory.open_files, 0);
}

/* A sample that chats, with weights of every kind but zero. */
static void make_sample(void)
{
    static const struct change chat[SAMPLE_CHANGES] = {
        {KEY_TEXT, "tokenizer.chat_template", .text = "{{'<|im_start|>' + message['role'] + '<|im_end|>'}}"}};
    f.bytes = sample_model(chat, &f.size);
    open_sample(NULL, 4096);
    for (uint32_t id = 0; id < f.engine.gguf.tensor_count; id++) {
        const struct gguf_tensor *tensor = &f.engine.gguf.tensor[id];
        for (uint64_t i = 0; tensor->type != GGUF_TYPE_ABSENT && i < tensor->size; i++) {
            f.bytes[tensor->offset + i] = (uint8_t)((i * 37 + id * 11) % 61);
        }
    }
    engine_close(&f.engine);
}

/* The logits after a few tokens [12]. */
static const float *logits(void)
{
    static const int32_t tokens[POSITIONS] = {1, 5, 7, 3, 9};
    compute_begin(&f.engine.compute);
    const float *out = transformer_run(&f.engine.transformer, tokens, POSITIONS, 0, true);
    compute_end(&f.engine.compute);
    assert_non_null(out);
    return out;
}

static void a_model_through_the_platforms_window(void **state)
{
    static const uint32_t sizes[] = {512, 1024, 4096, 127 * 512, LARGE};
    float expected[COUNT_OF(sample_pieces)];
    (void)state;
    make_sample();
    open_sample(NULL, LARGE);
    memcpy(expected, logits(), sizeof expected);
    assert_true(expected[0] != expected[5] && f.engine.has_chat && f.engine.memory_bytes > LARGE);
    engine_close(&f.engine);
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        memset(room, 0x5A, sizeof room);
        open_sample(room + PLATFORM_WINDOW_ROOM, sizes[i]);
        assert_true(f.engine.has_chat && f.engine.memory_bytes < LARGE);
        for (size_t at = PLATFORM_WINDOW_ROOM + sizes[i]; at < sizeof room; at++) {
            assert_int_equal(room[at], 0x5A);
        }
        memset(room, 0xA5, sizeof room); /* nothing is left there that is still needed */
        assert_memory_equal(logits(), expected, sizeof expected);
        engine_close(&f.engine);
    }
    free(f.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_through_the_platforms_window),
    };
    return cmocka_run_group_tests(tests, single_precision, NULL);
}
