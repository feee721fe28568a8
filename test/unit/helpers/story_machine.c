#include "story_machine.h"

#include "unit.h"

#include "gguf/header.h"
#include "kernel/cpu.h"
#include "sample_model.h"

enum { MEMORY_BYTES = 4 << 20 };

struct machine machine;

static void put(struct platform *platform, const char *utf8, size_t n)
{
    (void)platform;
    assert_int_equal(machine.exclusive, 0);
    assert_true(n > 0 && machine.length + n < MACHINE_OUT_MAX);
    memcpy(machine.out + machine.length, utf8, n);
    machine.out[machine.length += n] = 0;
}

static int get_key(struct platform *platform)
{
    (void)platform;
    assert_int_equal(machine.exclusive, 0);
    const uint64_t now = machine.now_ns / 1000, waited = now - machine.latest_poll;
    machine.longest_wait = waited > machine.longest_wait ? waited : machine.longest_wait;
    machine.latest_poll = now;
    machine.polls++;
    const bool typing = machine.typed != NULL && machine.polls >= machine.typed_at && *machine.typed != 0;
    return typing ? *machine.typed++ : KEY_NONE;
}

static uint64_t microseconds(struct platform *platform)
{
    (void)platform;
    assert_int_equal(machine.exclusive, 0);
    machine.clock_reads++;
    return machine.now_ns / 1000;
}

static void exclusive(struct platform *platform, bool on)
{
    (void)platform;
    machine.exclusive += on ? 1 : -1;
    assert_true(machine.exclusive == on);
}

static const struct kernel *fastest;

/* The fastest kernel's, which takes time. */
static void timed_matmul(float *out, size_t out_stride, const struct q8_matrix *w, const struct q8_vector *x,
                         uint32_t count, bool add)
{
    const uint64_t work = (uint64_t)w->row_tiles * w->groups * count;
    assert_int_equal(machine.exclusive, 1);
    fastest->matmul(out, out_stride, w, x, count, add);
    machine.work += work;
    machine.now_ns += work * machine.us_a_token * 1000 / machine.token_work;
    if (w->tiles == machine.engine.model.output.tiles) {
        machine.us_a_token += machine.us_a_token * machine.percent_slower / 100;
    }
}

static uint64_t products(const struct q8_matrix *matrix)
{
    return (uint64_t)matrix->row_tiles * matrix->groups;
}

static uint64_t token_work(const struct model *model)
{
    uint64_t work = products(&model->output);
    for (uint32_t l = 0; l < model->layers; l++) {
        const struct model_layer *layer = &model->layer[l];
        work +=
            products(&layer->qkv) + products(&layer->attn_output) + products(&layer->gate_up) + products(&layer->down);
    }
    return work;
}

/* In a prompt, the last layer's other matrices make keys and values. */
static uint64_t once_work(const struct model *model)
{
    const struct model_layer *last = &model->layer[model->layers - 1];
    return products(&last->attn_output) + products(&last->gate_up) + products(&last->down) + products(&model->output);
}

static uint64_t memory_free(struct platform *platform)
{
    (void)platform;
    return MEMORY_BYTES;
}

static void *reserve(struct platform *platform, size_t bytes)
{
    (void)platform;
    return aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);
}

static void release(struct platform *platform, void *memory, size_t bytes)
{
    (void)platform;
    (void)bytes;
    free(memory);
}

/* Random weights of a size that makes the next token depend on all before it. */
static void fill(uint8_t *bytes, const struct gguf *gguf, float last_norm)
{
    srand(7);
    for (uint32_t i = 0; i < gguf->tensor_count; i++) {
        const struct gguf_tensor *tensor = &gguf->tensor[i];
        uint8_t *to = bytes + tensor->offset;
        for (uint64_t k = 0; tensor->type != GGUF_TYPE_ABSENT && k < tensor->size; k += 2) {
            const float one = 1.0f, weight = (float)(rand() % 2001 - 1000) / 500.0f;
            const uint16_t half = (uint16_t)(0x3000 | (rand() & 0x83FF));
            const uint16_t brain = (uint16_t)(0x3E00 | (rand() & 0x807F));
            if (tensor->type == GGUF_TYPE_F32 && k % 4 == 0)
                memcpy(to + k, tensor->rows == 1 ? &one : &weight, 4);
            else if (tensor->type == GGUF_TYPE_F16 || (tensor->type == GGUF_TYPE_Q8_0 && k % 34 == 0))
                memcpy(to + k, tensor->type == GGUF_TYPE_F16 ? &half : &(uint16_t){0x2400}, 2);
            else if (tensor->type == GGUF_TYPE_BF16)
                memcpy(to + k, &brain, 2);
            else if (tensor->type == GGUF_TYPE_Q8_0)
                to[k] = (uint8_t)rand(), to[k + 1] = (uint8_t)rand();
        }
    }
    memset(bytes + gguf->tensor[GGUF_TENSOR_OUTPUT].offset, 0, (machine.ends_by_itself ? EOS : EOS + 1) * 34);
    for (uint32_t i = 0; i < gguf->dim; i++)
        memcpy(bytes + gguf->tensor[GGUF_TENSOR_OUTPUT_NORM].offset + 4 * i, &last_norm, 4);
}

void machine_open(const char *chat_template, float last_norm)
{
    const struct change changes[SAMPLE_CHANGES] = {
        {KEY_NUMBER, "llama.context_length", U32, MACHINE_CONTEXT, NULL},
        {chat_template != NULL ? KEY_TEXT : NO_CHANGE, "tokenizer.chat_template", 0, 0, chat_template},
    };
    static struct gguf gguf;
    struct memory_file file = {"/MODELS/A.GGUF", NULL, 0};
    const bool ends_by_itself = machine.ends_by_itself;
    const struct load_progress quiet = {0};
    struct cpu_features cpu;
    struct reader reader;
    uint8_t window[1024];
    size_t size;
    cpu_detect(&cpu);
    memset(&machine, 0, sizeof machine);
    memset(&machine.engine, 0xEE, sizeof machine.engine);
    machine.ends_by_itself = ends_by_itself;
    uint8_t *bytes = sample_model(changes, &size);
    file.data = bytes;
    file.size = size;
    memory_platform_init(&machine.memory, &file, 1);
    struct platform *platform = &machine.memory.platform;
    assert_int_equal(reader_open(&reader, platform, file.path, window, sizeof window, &machine.error), 0);
    assert_int_equal(gguf_read(&gguf, &reader, &machine.error), 0);
    reader_close(&reader);
    fill(bytes, &gguf, last_norm);
    platform->put = put;
    platform->get_key = get_key;
    platform->microseconds = microseconds;
    platform->memory_free = memory_free;
    platform->reserve = reserve;
    platform->release = release;
    platform->exclusive = exclusive;
    machine.us_a_token = 1000;
    static struct kernel timed;
    fastest = kernel_best(&cpu);
    timed = *fastest;
    timed.matmul = timed_matmul;
    timed.matmul_swiglu = NULL; /* takes no time here */
    assert_int_equal(
        engine_open(&machine.engine, platform, file.path, &timed, GGUF_CONTEXT_MAX, &quiet, &machine.error), 0);
    machine.token_work = token_work(&machine.engine.model);
    machine.once_work = once_work(&machine.engine.model);
    typeahead_begin(&machine.typeahead, platform);
    free(bytes);
}

static void show(void *platform, const char *utf8, size_t n)
{
    put(platform, utf8, n);
}

static bool stop_asked(void *typeahead)
{
    return typeahead_stop_asked(typeahead);
}

struct story machine_story(const char *prompt, uint32_t steps)
{
    struct story story = {.prompt = prompt,
                          .prompt_bytes = strlen(prompt),
                          .sampling = sampler_defaults(),
                          .steps = steps,
                          .sink = {show, &machine.memory.platform},
                          .stop = {stop_asked, &machine.typeahead}};
    story.sampling.temperature = 0;
    return story;
}

struct story_result machine_tell(const struct story *story)
{
    machine.length = 0;
    machine.out[0] = 0;
    machine.work = machine.polls = machine.clock_reads = 0;
    machine.latest_poll = machine.now_ns / 1000;
    return story_tell(&machine.engine, story, &machine.error);
}

void machine_close(void)
{
    engine_close(&machine.engine);
    machine.ends_by_itself = false;
}

const char *machine_long_prompt(void)
{
    static const char *const prompts[] = {"ab", "a b c", "cab", "b", "ac bb", "abc", "bca", "c c", "aab", "cba ab"};
    for (size_t i = 0; i < COUNT_OF(prompts); i++) {
        struct story story = machine_story(prompts[i], 60);
        if (machine_tell(&story).end == STORY_STEPS)
            return prompts[i];
    }
    fail_test("no prompt goes on\n");
    return NULL;
}
