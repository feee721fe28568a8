/* Loading a model's weights: tensors in the order of the file, 32 rows at a time, quantized and packed into tiles. */
#include "memory.h"
#include "model.h"
#include "q8_0.h"

_Static_assert((int)GROUP == (int)Q8_0_BLOCK, "a group of columns is a block of the file");

/* Scratch memory for a strip of GROUP rows. */
struct strip {
    uint8_t *raw;    /* one row as it lies in the file */
    int8_t *q;       /* [GROUP][groups][GROUP] */
    uint16_t *scale; /* [GROUP][groups] f16 bits */
    uint32_t groups;
};

struct loader {
    const struct model *model;
    const struct gguf *gguf;
    struct reader *reader;
    struct strip strip;
    struct load_progress progress;
    uint64_t done, total; /* bytes of tensors */
    struct error *error;
};

static uint32_t widest_row(const struct gguf *gguf)
{
    uint32_t cols = 0;
    for (uint32_t i = 0; i < gguf->tensor_count; i++) {
        if (gguf->tensor[i].type != TENSOR_ABSENT && gguf->tensor[i].cols > cols) {
            cols = gguf->tensor[i].cols;
        }
    }
    return cols;
}

static uint64_t strip_layout(struct strip *strip, const struct gguf *gguf, struct arena *arena)
{
    const uint64_t groups = ((uint64_t)widest_row(gguf) + GROUP - 1) / GROUP;
    const uint64_t raw = groups * GROUP * sizeof(float); /* the widest type */
    const uint64_t q = groups * GROUP * GROUP, scale = groups * GROUP * sizeof(uint16_t);
    if (arena != NULL) {
        strip->raw = arena_take(arena, (size_t)raw, ALIGNMENT);
        strip->q = arena_take(arena, (size_t)q, ALIGNMENT);
        strip->scale = arena_take(arena, (size_t)scale, ALIGNMENT);
    }
    return raw + q + scale + 3 * ALIGNMENT;
}

uint64_t model_load_scratch(const struct gguf *gguf)
{
    return strip_layout(NULL, gguf, NULL);
}

/* Reads one row; its elements as floats, or as blocks of Q8_0, are then at strip.raw. */
static int read_row(struct loader *loader, const struct gguf_tensor *tensor)
{
    uint8_t *raw = loader->strip.raw;
    const uint64_t row_bytes = tensor->size / tensor->rows;
    if (reader_get(loader->reader, raw, (size_t)row_bytes, loader->error) != 0) {
        return -1;
    }
    if (tensor->type != TENSOR_F16 && tensor->type != TENSOR_BF16) {
        return 0;
    }
    float *wide = (float *)raw;
    for (uint32_t i = tensor->cols; i-- > 0;) { /* from the end: a float takes the room of two halves */
        const uint16_t half = (uint16_t)(raw[2 * i] | raw[2 * i + 1] << 8);
        wide[i] = tensor->type == TENSOR_F16 ? half_to_float(half) : bfloat_to_float(half);
    }
    return 0;
}

/* A weight of -128 becomes -127: no quantizer writes it, and kernels rely on a symmetric range. */
static void copy_block(int8_t *q, const int8_t *from)
{
    for (uint32_t i = 0; i < GROUP; i++) {
        q[i] = from[i] < -127 ? -127 : from[i];
    }
}

/* Quantizes the row at strip.raw into row `row` of the strip. Returns -1 if a weight is not finite. */
static int quantize_row(struct strip *strip, uint32_t row, const struct gguf_tensor *tensor)
{
    int8_t *q = strip->q + (size_t)row * strip->groups * GROUP;
    uint16_t *scale = strip->scale + (size_t)row * strip->groups;
    const struct q8_0_block *block = (const struct q8_0_block *)strip->raw;
    const float *wide = (const float *)strip->raw;
    for (uint32_t group = 0; group < strip->groups; group++, q += GROUP) {
        if (tensor->type == TENSOR_Q8_0) {
            scale[group] = block[group].scale;
            copy_block(q, block[group].q);
        } else {
            const uint32_t left = tensor->cols - group * GROUP;
            scale[group] = q8_0_quantize(q, wide + group * GROUP, left < GROUP ? left : GROUP);
        }
        if (!half_is_finite(scale[group])) {
            return -1;
        }
    }
    return 0;
}

static int not_finite(struct loader *loader, uint32_t id, uint32_t row)
{
    char name[GGUF_TENSOR_NAME_MAX];
    gguf_tensor_name(name, sizeof name, id);
    return fail(loader->error, "%s: %s, row %u: a weight is infinite, not a number or beyond f16; get a sound copy",
                loader->reader->path, name, row);
}

static void pack_strip(const struct loader *loader, uint8_t *tiles)
{
    const struct strip *strip = &loader->strip;
    struct platform *platform = loader->reader->platform;
    platform->exclusive(platform, true); /* the kernel's code uses its vector registers here, too */
    for (uint32_t group = 0; group < strip->groups; group++) {
        int8_t q[GROUP][GROUP];
        uint16_t scale[GROUP];
        for (uint32_t row = 0; row < GROUP; row++) {
            memcpy(q[row], strip->q + ((size_t)row * strip->groups + group) * GROUP, GROUP);
            scale[row] = strip->scale[(size_t)row * strip->groups + group];
        }
        loader->model->kernel->tile_pack(tiles, (const int8_t(*)[GROUP])q, scale);
        tiles += loader->model->kernel->tile_bytes;
    }
    platform->exclusive(platform, false);
}

static int report(struct loader *loader, uint64_t bytes)
{
    loader->done += bytes;
    if (loader->progress.step != NULL && loader->progress.step(loader->progress.context, loader->done, loader->total)) {
        return fail(loader->error, "%s: loading was stopped", loader->reader->path);
    }
    return 0;
}

static int load_matrix(struct loader *loader, uint32_t id, uint8_t *tiles)
{
    const struct gguf_tensor *tensor = &loader->gguf->tensor[id];
    struct strip *strip = &loader->strip;
    const uint64_t row_bytes = tensor->size / tensor->rows;
    strip->groups = (tensor->cols + GROUP - 1) / GROUP;
    const size_t strip_tiles = (size_t)strip->groups * loader->model->kernel->tile_bytes;
    for (uint32_t first = 0; first < tensor->rows; first += GROUP, tiles += strip_tiles) {
        const uint32_t left = tensor->rows - first, rows = left < GROUP ? left : GROUP;
        memset(strip->q, 0, (size_t)GROUP * strip->groups * GROUP);
        memset(strip->scale, 0, (size_t)GROUP * strip->groups * sizeof *strip->scale);
        for (uint32_t row = 0; row < rows; row++) {
            if (read_row(loader, tensor) != 0) {
                return -1;
            }
            if (quantize_row(strip, row, tensor) != 0) {
                return not_finite(loader, id, first + row);
            }
        }
        pack_strip(loader, tiles);
        if (report(loader, rows * row_bytes) != 0) {
            return -1;
        }
    }
    return 0;
}

static int load_vector(struct loader *loader, uint32_t id, float *out)
{
    const struct gguf_tensor *tensor = &loader->gguf->tensor[id];
    if (read_row(loader, tensor) != 0) {
        return -1;
    }
    memset(out, 0, loader->model->dim_padded * sizeof *out);
    if (tensor->type == TENSOR_Q8_0) {
        const struct q8_0_block *block = (const struct q8_0_block *)loader->strip.raw;
        for (uint32_t i = 0; i < tensor->cols; i++) {
            out[i] = half_to_float(block[i / GROUP].scale) * (float)block[i / GROUP].q[i % GROUP];
        }
    } else {
        memcpy(out, loader->strip.raw, tensor->cols * sizeof *out);
    }
    for (uint32_t i = 0; i < tensor->cols; i++) {
        if ((float_bits(out[i]) & FLOAT_INFINITY) == FLOAT_INFINITY) {
            return not_finite(loader, id, 0);
        }
    }
    return report(loader, tensor->size);
}

/* The tiles from row `row` of a stacked matrix on. */
static uint8_t *tiles_from(const struct model *model, const struct matrix *matrix, uint32_t row)
{
    return matrix->tiles + (size_t)(row / GROUP) * matrix->groups * model->kernel->tile_bytes;
}

static int load_layer_tensor(struct loader *loader, uint32_t id)
{
    const struct model *model = loader->model;
    const struct layer *layer = &model->layer[(id - TENSOR_LAYER_FIRST) / LAYER_TENSORS];
    switch ((enum gguf_layer_tensor)((id - TENSOR_LAYER_FIRST) % LAYER_TENSORS)) {
    case LAYER_ATTN_NORM:
        return load_vector(loader, id, (float *)layer->attn_norm);
    case LAYER_ATTN_Q:
        return load_matrix(loader, id, layer->qkv.tiles);
    case LAYER_ATTN_K:
        return load_matrix(loader, id, tiles_from(model, &layer->qkv, model->q_rows));
    case LAYER_ATTN_V:
        return load_matrix(loader, id, tiles_from(model, &layer->qkv, model->q_rows + model->kv_rows));
    case LAYER_ATTN_OUTPUT:
        return load_matrix(loader, id, layer->attn_output.tiles);
    case LAYER_FFN_NORM:
        return load_vector(loader, id, (float *)layer->ffn_norm);
    case LAYER_FFN_GATE:
        return load_matrix(loader, id, layer->gate_up.tiles);
    case LAYER_FFN_DOWN:
        return load_matrix(loader, id, layer->down.tiles);
    case LAYER_FFN_UP:
        return load_matrix(loader, id, tiles_from(model, &layer->gate_up, model->hidden_padded));
    case LAYER_TENSORS:
        break;
    }
    return -1;
}

static int load_tensor(struct loader *loader, uint32_t id)
{
    if (reader_seek(loader->reader, loader->gguf->tensor[id].offset, loader->error) != 0) {
        return -1;
    }
    switch (id) {
    case TENSOR_TOKEN_EMBD:
        return load_matrix(loader, id, loader->model->embedding.tiles);
    case TENSOR_OUTPUT_NORM:
        return load_vector(loader, id, (float *)loader->model->output_norm);
    case TENSOR_OUTPUT:
        return load_matrix(loader, id, loader->model->output.tiles);
    default:
        return load_layer_tensor(loader, id);
    }
}

/* Whether tensor a comes before tensor b in the file; hostile files may give two the same place. */
static bool lies_before(const struct gguf *gguf, uint32_t a, uint32_t b)
{
    const uint64_t at_a = gguf->tensor[a].offset, at_b = gguf->tensor[b].offset;
    return at_a < at_b || (at_a == at_b && a < b);
}

/* The tensor that follows `last` in the file (the first one for tensor_count), or tensor_count past the end. */
static uint32_t next_in_file(const struct gguf *gguf, uint32_t last)
{
    uint32_t next = gguf->tensor_count;
    for (uint32_t id = 0; id < gguf->tensor_count; id++) {
        const bool ahead = last == gguf->tensor_count || lies_before(gguf, last, id);
        if (gguf->tensor[id].type != TENSOR_ABSENT && ahead &&
            (next == gguf->tensor_count || lies_before(gguf, id, next))) {
            next = id;
        }
    }
    return next;
}

int model_load(struct model *model, const struct gguf *gguf, struct reader *reader, struct arena *arena,
               const struct load_progress *progress, struct error *error)
{
    struct loader loader = {.model = model, .gguf = gguf, .reader = reader, .progress = *progress, .error = error};
    const size_t mark = arena->used;
    strip_layout(&loader.strip, gguf, arena);
    for (uint32_t id = 0; id < gguf->tensor_count; id++) {
        loader.total += gguf->tensor[id].type != TENSOR_ABSENT ? gguf->tensor[id].size : 0;
    }
    int status = loader.strip.scale != NULL ? 0 : fail(error, "%s: no memory left to load with", reader->path);
    uint32_t id = next_in_file(gguf, gguf->tensor_count);
    while (status == 0 && id != gguf->tensor_count) {
        status = load_tensor(&loader, id);
        id = next_in_file(gguf, id);
    }
    arena->used = mark;
    return status;
}
