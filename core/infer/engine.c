#include "infer/engine.h"

#include "base/number.h"
#include "gguf/header.h"
#include "text/encode.h"

/* Of an average turn with its answer, at least; the oldest turns go when there are more, or when they say more. */
enum { TOKENS_A_TURN = 16, SAID_A_TURN = 32 };

/* Lays out what the run needs besides tokenizer and weights. */
static int layout_run(struct engine *engine, uint32_t context, struct arena *arena)
{
    engine->context = context;
    if (transformer_layout(&engine->transformer, &engine->model, context, arena) != 0) {
        return -1;
    }
    sampler_init(&engine->sampler, engine->model.kernel, engine->gguf.vocabulary, arena);
    const size_t text = (size_t)engine->transformer.context * sizeof *engine->text;
    engine->text = arena_take(arena, text, KERNEL_ALIGNMENT);
    engine->spare = arena_take(arena, text, KERNEL_ALIGNMENT);
    engine->turns_max = context / TOKENS_A_TURN + 1;
    engine->turns = arena_take(arena, engine->turns_max * sizeof *engine->turns, KERNEL_ALIGNMENT);
    engine->said_max = ENGINE_PROMPT_MAX + context / TOKENS_A_TURN * SAID_A_TURN;
    engine->said = arena_take(arena, engine->said_max, KERNEL_ALIGNMENT);
    engine->turn = arena_take(arena, ENGINE_TURN_MAX, KERNEL_ALIGNMENT);
    engine->scratch = arena_take(arena, encode_scratch(engine->gguf.tokenizer, ENGINE_TURN_MAX), KERNEL_ALIGNMENT);
    return arena->base == NULL || engine->scratch != NULL ? 0 : -1;
}

static uint64_t max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

enum { WINDOW_ALIGNMENT = 4096 }; /* of what is read into while weights are loaded: see platform.h, read */
_Static_assert(PLATFORM_WINDOW_ROOM % WINDOW_ALIGNMENT == 0, "the window is aligned as well as the room before it");

/* Bytes of the window through which weights are read and the room in front of it; 0 if the platform has them. */
static uint32_t window_bytes(const struct platform *platform)
{
    return platform->window != NULL ? 0 : PLATFORM_WINDOW_ROOM + platform->preferred_read;
}

/* Opens the file with the platform's window, or else with a small one for the header. */
static int open_reader(struct engine *engine, struct reader *reader, const char *path, struct error *error)
{
    struct platform *platform = engine->platform;
    if (reader_open(reader, platform, path, engine->window, sizeof engine->window, error) != 0) {
        return -1;
    }
    if (platform->window != NULL) {
        reader_use(reader, platform->window, platform->preferred_read, PLATFORM_WINDOW_ROOM);
    }
    return 0;
}

/* Returns the bytes that a context needs. Loading's scratch and the run's buffers are never in use at the same time and
   share a place. */
static uint64_t memory_needed(struct engine *engine, const struct kernel *kernel, uint32_t context)
{
    struct arena weights = {0}, run = {0};
    const uint64_t scratch = load_scratch(&engine->gguf) + window_bytes(engine->platform) + WINDOW_ALIGNMENT;
    if (model_layout(&engine->model, &engine->gguf, kernel, &weights) != 0 || layout_run(engine, context, &run) != 0) {
        return UINT64_MAX;
    }
    return tokenizer_memory(&engine->gguf) + KERNEL_ALIGNMENT + weights.used + KERNEL_ALIGNMENT +
           max_u64(scratch, run.used);
}

/* Whether so many bytes of `memory` can be had and addressed. Plan and refusal are both its word. */
static bool fits(uint64_t bytes, uint64_t memory)
{
    return bytes <= memory && bytes <= SIZE_MAX;
}

/* Returns the longest context that fits into `memory`, at most context_asked; *bytes is what it needs. One that has to
   be shortened leaves the memory that engine_plan takes for another model. */
static uint32_t fitting_context(struct engine *engine, const struct kernel *kernel, uint64_t memory, uint64_t *bytes)
{
    const uint32_t context = engine->context_asked;
    const uint64_t room = memory > sizeof *engine ? memory - sizeof *engine : 0;
    *bytes = memory_needed(engine, kernel, context);
    if (fits(*bytes, memory) || context <= ENGINE_CONTEXT_MIN) {
        return context;
    }
    uint32_t fitting = ENGINE_CONTEXT_MIN / KV_BLOCK, too_many = number_round_up(context, KV_BLOCK) / KV_BLOCK;
    while (too_many - fitting > 1) {
        const uint32_t middle = fitting + (too_many - fitting) / 2;
        if (fits(memory_needed(engine, kernel, middle * KV_BLOCK), room)) {
            fitting = middle;
        } else {
            too_many = middle;
        }
    }
    *bytes = memory_needed(engine, kernel, fitting * KV_BLOCK);
    return fitting * KV_BLOCK;
}

static uint32_t mebibytes(uint64_t bytes)
{
    return (uint32_t)((bytes + 0xFFFFF) >> 20);
}

int engine_refuse_size(const char *path, uint32_t context, uint64_t bytes, uint64_t memory, struct error *error)
{
    if (bytes > SIZE_MAX) {
        return error_set(
            error,
            "%s: the model needs %u MiB of memory even with a context of %u, a 32-bit program has 4096 MiB "
            "at most; start it by 64-bit UEFI or choose a smaller model",
            path, mebibytes(bytes), context);
    }
    return error_set(
        error,
        "%s: the model needs %u MiB of memory even with a context of %u, %u MiB are free; choose a smaller "
        "model",
        path, mebibytes(bytes), context, (uint32_t)(memory >> 20));
}

uint32_t engine_shortest_context(uint32_t context)
{
    return context < ENGINE_CONTEXT_MIN ? context : ENGINE_CONTEXT_MIN;
}

static int reserve(struct engine *engine, const char *path, uint32_t context, uint64_t bytes, struct error *error)
{
    struct platform *platform = engine->platform;
    const uint64_t memory = platform->memory_free(platform);
    if (fits(bytes, memory)) {
        engine->memory_bytes = (size_t)bytes;
        engine->memory = platform->reserve(platform, engine->memory_bytes);
    }
    return engine->memory != NULL ? 0 : engine_refuse_size(path, context, bytes, memory, error);
}

_Static_assert(43 * ENGINE_TURN_MAX >= CHAT_TEMPLATE_MAX, "a template fits into the scratch memory");

/* Reads the file's chat template, or the beginning of a long one, and finds its family. */
static int read_template(struct engine *engine, struct reader *reader, struct error *error)
{
    const uint64_t bytes = engine->gguf.template_bytes;
    const size_t n = bytes < CHAT_TEMPLATE_MAX ? (size_t)bytes : CHAT_TEMPLATE_MAX;
    if (reader_seek(reader, engine->gguf.template_offset, error) != 0 ||
        reader_get(reader, engine->scratch, n, error) != 0) {
        return -1;
    }
    engine->has_chat = chat_from_template(&engine->chat, engine->scratch, n);
    return 0;
}

static int load(struct engine *engine, struct reader *reader, const struct kernel *kernel, uint32_t context,
                const struct load_progress *progress, struct error *error)
{
    struct arena arena = {.base = engine->memory, .size = engine->memory_bytes};
    if (tokenizer_load(&engine->tokenizer, &engine->gguf, reader, &arena, error) != 0) {
        return -1;
    }
    if (model_layout(&engine->model, &engine->gguf, kernel, &arena) != 0) {
        return error_set(error, "%s: no memory left to load with", reader->path);
    }
    const uint64_t mark = arena.used;
    uint8_t *room = arena_take(&arena, window_bytes(engine->platform), WINDOW_ALIGNMENT);
    if (room == NULL) {
        return error_set(error, "%s: no memory left to load with", reader->path);
    }
    if (engine->platform->window == NULL) {
        reader_use(reader, room + PLATFORM_WINDOW_ROOM, engine->platform->preferred_read, PLATFORM_WINDOW_ROOM);
    }
    if (load_weights(&engine->model, &engine->gguf, reader, &arena, progress, error) != 0) {
        return -1;
    }
    arena.used = mark;
    if (layout_run(engine, context, &arena) != 0) {
        return error_set(error, "%s: no memory left to run with", reader->path);
    }
    compute_open(&engine->compute, engine->platform, kernel);
    engine->transformer.compute = &engine->compute;
    if (engine->platform->window == NULL) {
        reader_use(reader, engine->window, sizeof engine->window, 0); /* the other one's memory is in use now */
    }
    return read_template(engine, reader, error);
}

/* Reads the header and with it what the model can have of `context`. */
static int read_header(struct engine *engine, struct reader *reader, uint32_t context, struct error *error)
{
    if (gguf_read(&engine->gguf, reader, error) != 0) {
        return -1;
    }
    engine->context_asked = context < engine->gguf.context ? context : engine->gguf.context;
    return 0;
}

/* The kernel that wins a race. The scalar one, which would not win, stays out: it would take most of the time. One
   whose weights take more memory than the standard one's takes part only if the whole context fits with it. */
static const struct kernel *race(struct engine *engine)
{
    const uint64_t memory = engine->platform->memory_free(engine->platform);
    bool usable[KERNELS];
    struct cpu_features cpu;
    cpu_detect(&cpu);
    const struct kernel *standard = kernel_best(&cpu);
    for (uint32_t i = 0; i < KERNELS; i++) {
        const struct kernel *kernel = kernel_at(i);
        usable[i] = kernel != &kernel_scalar && kernel_usable(kernel, &cpu) &&
                    (kernel == standard || fits(memory_needed(engine, kernel, engine->context_asked), memory));
    }
    race_run(&engine->race, engine->platform, &engine->gguf, usable);
    return race_winner(&engine->race, standard);
}

static int read_all(struct engine *engine, struct reader *reader, const struct kernel *kernel, uint32_t most,
                    const struct load_progress *progress, struct error *error)
{
    uint64_t bytes;
    if (read_header(engine, reader, most, error) != 0) {
        return -1;
    }
    kernel = kernel != NULL ? kernel : race(engine);
    const uint32_t context = fitting_context(engine, kernel, engine->platform->memory_free(engine->platform), &bytes);
    if (reserve(engine, reader->path, context, bytes, error) != 0) {
        return -1;
    }
    return load(engine, reader, kernel, context, progress, error);
}

int engine_open(struct engine *engine, struct platform *platform, const char *path, const struct kernel *kernel,
                uint32_t context, const struct load_progress *progress, struct error *error)
{
    struct reader reader;
    engine->platform = platform;
    engine->memory = NULL;
    engine->text_count = engine->filled = engine->turn_count = engine->said_bytes = 0;
    if (open_reader(engine, &reader, path, error) != 0) {
        return -1;
    }
    const int status = read_all(engine, &reader, kernel, context, progress, error);
    reader_close(&reader);
    if (status != 0) {
        engine_close(engine);
    }
    return status;
}

void engine_close(struct engine *engine)
{
    if (engine->memory != NULL) {
        engine->platform->release(engine->platform, engine->memory, engine->memory_bytes);
        engine->memory = NULL;
    }
}

void engine_rewind(struct engine *engine, uint32_t count)
{
    while (engine->turn_count > 0 && engine->turns[engine->turn_count - 1].start >= count) {
        engine->said_bytes = engine->turns[--engine->turn_count].said;
    }
    if (engine->text_count > count) {
        engine->text_count = count;
    }
    if (engine->filled >= engine->text_count) {
        engine->filled = engine->text_count == 0 ? 0 : engine->text_count - 1;
    }
}

uint64_t engine_weights(const struct engine *engine)
{
    struct model layout;
    struct arena arena = {0};
    model_layout(&layout, &engine->gguf, engine->model.kernel, &arena);
    return arena.used;
}

/* Runs an arbitrary token, to see how fast that is. */
static void run_once(void *context)
{
    struct engine *engine = context;
    const int32_t token = 0;
    transformer_run(&engine->transformer, &token, 1, 0, true);
}

void engine_share(struct engine *engine, struct team *team, uint32_t processors, struct compute_stop stop)
{
    compute_open(&engine->compute, engine->platform, engine->model.kernel);
    compute_ask(&engine->compute, stop);
    engine->transformer.team = team;
    engine_rewind(engine, 0);
    if (processors == ENGINE_PROCESSORS_AUTO) {
        team_choose(team, &engine->compute, engine_weights(engine), run_once, engine);
    } else {
        team_use(team, processors);
    }
}

int engine_plan(struct engine *engine, struct platform *platform, const char *path, const struct kernel *kernel,
                uint32_t context, uint64_t memory, struct engine_plan *plan, struct error *error)
{
    struct reader reader;
    engine->platform = platform;
    plan->kind = "";
    if (open_reader(engine, &reader, path, error) != 0) {
        return -1;
    }
    const int status = read_header(engine, &reader, context, error);
    reader_close(&reader);
    plan->kind = gguf_kind_name(engine->gguf.file_type);
    if (status == 0) {
        plan->context_asked = engine->context_asked;
        plan->context = fitting_context(engine, kernel, memory, &plan->bytes);
        plan->context = fits(plan->bytes, memory) ? plan->context : 0;
    }
    return status;
}
