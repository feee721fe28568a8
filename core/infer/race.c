#include "infer/race.h"

#include "base/memory.h"
#include "base/number.h"
#include "infer/transformer.h"

enum {
    ROUNDS = 3,
    TIMED_US = 2000,    /* that the favourite computes in a round */
    PIECES_MAX = 512,   /* in a round: a stopped clock must not hold the machine */
    CLOCK_READINGS = 8, /* in a round: the clock may be slow to read */
    RACE_CONTEXT = 128, /* positions of the slice's cache */
    RACE_POSITION = 95, /* of its token: a short text's average */
    PIECE_WEIGHTS = 1 << 20,
    RACE_BYTES = 64 << 20, /* more than most caches hold */
    FILL = 0x3C, /* of weights: as int8 60, as f16 1.06, as f32 0.0115, so that nothing is subnormal or overflows */
};

/* ---- Timing ---- */

/* Nanoseconds of one of `pieces` pieces, or of as many as take `limit` microseconds; 0 if the clock did not move. */
static uint32_t time_pieces(struct platform *platform, uint32_t pieces, uint64_t limit, race_work *work, void *context,
                            uint32_t index)
{
    const uint32_t step = number_max(pieces / CLOCK_READINGS, 1);
    const uint64_t start = platform->microseconds(platform);
    uint64_t elapsed = 0;
    uint32_t done = 0;
    while (done < pieces && elapsed < limit) {
        work(context, index, step);
        done += step;
        elapsed = platform->microseconds(platform) - start;
    }
    const uint64_t ns = elapsed * 1000 / done;
    return ns < UINT32_MAX ? (uint32_t)ns : UINT32_MAX;
}

/* How many pieces take the favourite TIMED_US; 0 if the clock does not move. */
static uint32_t pieces_of(struct platform *platform, race_work *work, void *context, uint32_t favourite)
{
    uint32_t pieces = 1;
    uint64_t ns = time_pieces(platform, pieces, UINT64_MAX, work, context, favourite);
    while (ns * pieces < TIMED_US * 1000ull && pieces < PIECES_MAX) {
        pieces *= 2;
        ns = time_pieces(platform, pieces, UINT64_MAX, work, context, favourite);
    }
    return ns > 0 ? pieces : 0;
}

void race_time(struct race *race, struct platform *platform, const bool usable[KERNELS], race_work *work, void *context)
{
    bool racing[KERNELS];
    uint32_t favourite = KERNELS, others = 0;
    memset(race, 0, sizeof *race);
    for (uint32_t i = 0; i < KERNELS; i++) {
        racing[i] = usable[i];
        others += usable[i] && favourite != KERNELS;
        favourite = usable[i] ? i : favourite;
    }
    const uint32_t pieces = others > 0 ? pieces_of(platform, work, context, favourite) : 0;
    uint32_t fastest = UINT32_MAX;
    for (uint32_t round = 0; pieces > 0 && round < ROUNDS; round++) {
        for (uint32_t i = favourite + 1; i-- > 0;) {
            if (!racing[i]) {
                continue;
            }
            work(context, i, 1); /* into caches, and what an emulator keeps of code */
            const uint32_t ns = time_pieces(platform, pieces, 2ull * fastest * pieces / 1000 + 1, work, context, i);
            if (ns == 0) {
                memset(race, 0, sizeof *race);
                return;
            }
            race->ns[i] = race->ns[i] == 0 ? ns : number_min(race->ns[i], ns);
            fastest = number_min(fastest, ns);
            racing[i] = round == 0 || race->ns[i] / 2 <= fastest;
        }
    }
}

const struct kernel *race_winner(const struct race *race, const struct kernel *otherwise)
{
    uint32_t fastest = UINT32_MAX;
    for (uint32_t i = KERNEL_INDEX_scalar + 1; i < KERNELS; i++) {
        fastest = race->ns[i] > 0 ? number_min(fastest, race->ns[i]) : fastest;
    }
    for (uint32_t i = KERNELS; i-- > KERNEL_INDEX_scalar + 1;) {
        if (race->ns[i] > 0 && race->ns[i] - fastest <= fastest / 20) {
            return kernel_at(i);
        }
    }
    return otherwise;
}

/* ---- A slice of a model ---- */

struct slice {
    struct gguf *gguf;       /* the model's, smaller */
    struct arena arena;      /* that it is laid out in */
    struct model model;      /* laid out for `kernel` */
    struct model_layer *all; /* its layers; model.layer is the one that runs */
    struct transformer transformer;
    struct compute compute;
    const struct kernel *kernel;
    uint32_t next; /* layer to run */
};

/* A part of `whole`, each of so many columns. Kernels take a whole block of Q4_K or Q6_K at once: none is divided. */
static uint32_t part_of(uint32_t whole, uint32_t parts, uint32_t columns)
{
    enum { BLOCK = NARROW_SUPER * Q8_GROUP };
    const bool may_have_blocks = whole * columns % BLOCK == 0;
    uint32_t part = number_max(whole / parts, 1);
    while (may_have_blocks && part * columns % BLOCK != 0) {
        part++;
    }
    return part;
}

/* Makes layers smaller and more of them, so that each is a short piece of work, and the proportion of matrices and
   attention stays. */
static void shrink(struct gguf *slice, const struct gguf *gguf)
{
    const uint64_t columns = 2ull * (gguf->heads + gguf->kv_heads) * gguf->head_size + 3ull * gguf->hidden;
    const uint32_t parts = (uint32_t)(gguf->dim * columns / PIECE_WEIGHTS) + 1, queries = gguf->heads / gguf->kv_heads;
    *slice = *gguf;
    slice->kv_heads = part_of(gguf->kv_heads, parts, queries * gguf->head_size);
    slice->heads = slice->kv_heads * queries;
    slice->hidden = part_of(gguf->hidden, parts, 1);
    slice->vocabulary = 1;
    slice->layers = parts < GGUF_LAYERS_MAX ? number_min(gguf->layers * parts, GGUF_LAYERS_MAX) : GGUF_LAYERS_MAX;
    for (uint32_t l = gguf->layers; l < slice->layers; l++) {
        struct gguf_tensor *layer = slice->tensor + GGUF_TENSOR_LAYERS + l * GGUF_LAYER_TENSORS;
        memcpy(layer, layer - gguf->layers * GGUF_LAYER_TENSORS, GGUF_LAYER_TENSORS * sizeof *layer);
    }
}

/* Lays the slice out for a kernel; *arena may only count. */
static bool layout(struct slice *slice, const struct kernel *kernel, struct arena *arena)
{
    slice->kernel = kernel;
    if (model_layout(&slice->model, slice->gguf, kernel, arena) != 0) {
        return false;
    }
    slice->all = slice->model.layer;
    slice->model.layers = 1;
    return transformer_layout(&slice->transformer, &slice->model, RACE_CONTEXT, arena) == 0;
}

/* Bytes that a slice takes with the kernel that needs most. */
static uint64_t bytes_of(struct slice *slice, const bool usable[KERNELS])
{
    uint64_t most = 0;
    for (uint32_t i = 0; i < KERNELS; i++) {
        struct arena arena = {0};
        if (usable[i]) {
            const bool fits = layout(slice, kernel_at(i), &arena);
            most = !fits ? UINT64_MAX : arena.used > most ? arena.used : most;
        }
    }
    return most;
}

/* One layer for each piece, all of them in turn. */
static void run_pieces(void *context, uint32_t index, uint32_t pieces)
{
    struct slice *slice = context;
    const struct kernel *kernel = kernel_at(index);
    const int32_t token = 0;
    if (slice->kernel != kernel) {
        struct arena arena = slice->arena;
        layout(slice, kernel, &arena);
        memset(slice->transformer.cache.k, 0,
               (size_t)(arena.base + arena.used - (uint8_t *)slice->transformer.cache.k));
        slice->compute.kernel = kernel;
    }
    compute_begin(&slice->compute);
    for (uint32_t i = 0; i < pieces; i++) {
        slice->model.layer = slice->all + slice->next;
        slice->next = (slice->next + 1) % slice->gguf->layers;
        transformer_run(&slice->transformer, &token, 1, RACE_POSITION, false);
    }
    compute_end(&slice->compute);
}

/* Takes memory for as many of the slice's layers as it is enough for; returns its bytes, 0 if there is too little. */
static size_t take_memory(struct slice *slice, struct platform *platform, const bool usable[KERNELS])
{
    for (; slice->gguf->layers > 0; slice->gguf->layers /= 2) {
        const uint64_t bytes = bytes_of(slice, usable);
        slice->arena.base = bytes <= RACE_BYTES ? platform->reserve(platform, (size_t)bytes) : NULL;
        if (slice->arena.base != NULL) {
            slice->arena.size = (size_t)bytes;
            return slice->arena.size;
        }
    }
    return 0;
}

/* Races slices of *gguf that are laid out beside the copy of it, *scratch. */
static void race_slices(struct race *race, struct platform *platform, const struct gguf *gguf, struct gguf *scratch,
                        const bool usable[KERNELS])
{
    struct slice slice = {.gguf = scratch};
    shrink(scratch, gguf);
    const size_t bytes = take_memory(&slice, platform, usable);
    if (bytes == 0) {
        return;
    }
    memset(slice.arena.base, FILL, bytes);
    slice.kernel = NULL;
    compute_open(&slice.compute, platform, NULL);
    race_time(race, platform, usable, run_pieces, &slice);
    platform->release(platform, slice.arena.base, bytes);
}

void race_run(struct race *race, struct platform *platform, const struct gguf *gguf, const bool usable[KERNELS])
{
    uint32_t count = 0;
    memset(race, 0, sizeof *race);
    for (uint32_t i = 0; i < KERNELS; i++) {
        count += usable[i];
    }
    struct gguf *scratch = count > 1 ? platform->reserve(platform, sizeof *scratch) : NULL;
    if (scratch != NULL) {
        race_slices(race, platform, gguf, scratch, usable);
        platform->release(platform, scratch, sizeof *scratch);
    }
}
