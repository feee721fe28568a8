/* Loading a model's weights: tensors in the order of the file, 32 rows at a time, quantized and packed into tiles. */
#include "infer/load.h"

#include "base/memory.h"
#include "base/number.h"
#include "gguf/blocks.h"
#include "gguf/checksum.h"
#include "infer/compute.h"
#include "infer/rope.h"

_Static_assert((int)GGUF_HEAD_MAX <= (int)ATTENTION_HEAD_MAX, "attention can compute every head that a file may have");

/* Scratch memory for a strip of rows: whole tiles. Blocks are struct narrow_block where a matrix keeps its four or
   six bits, else struct q8_0_block. */
struct strip {
    uint8_t *raw;    /* one row as in the file */
    float *values;   /* the numbers of a row, padded with zeros to whole groups */
    float *scales;   /* of its groups */
    uint8_t *blocks; /* [strip_rows][groups] */
};
_Static_assert(sizeof(struct narrow_block) <= sizeof(struct q8_0_block), "there is room for either");

struct loader {
    const struct model *model;
    const struct gguf *gguf;
    struct reader *reader;
    struct strip strip;
    struct load_progress progress;
    struct compute compute;
    uint64_t done, total;     /* bytes of tensors */
    uint64_t reported;        /* the window at the last report */
    struct checksum checksum; /* of the bytes done */
    struct error *error;
};

static uint32_t groups_of(const struct gguf_tensor *tensor)
{
    return (tensor->cols + Q8_GROUP - 1) / Q8_GROUP;
}

/* Whether the elements of this tensor's columns, which are one row of heads, are loaded in the order of rope_place. */
static bool is_turned(const struct gguf *gguf, uint32_t id)
{
    if (!gguf->architecture->rope_halves || id < GGUF_TENSOR_LAYERS) {
        return false;
    }
    switch ((id - GGUF_TENSOR_LAYERS) % GGUF_LAYER_TENSORS) {
    case GGUF_LAYER_ATTN_Q:
    case GGUF_LAYER_ATTN_K:
    case GGUF_LAYER_ATTN_Q_BIAS:
    case GGUF_LAYER_ATTN_K_BIAS:
    case GGUF_LAYER_ATTN_Q_NORM:
    case GGUF_LAYER_ATTN_K_NORM:
        return true;
    default:
        return false;
    }
}

/* Rows that are loaded at once: those of a tile, or of whole tiles and whole heads. */
static uint32_t strip_rows(const struct gguf *gguf, uint32_t id)
{
    uint32_t rows = Q8_GROUP;
    if (!is_turned(gguf, id)) {
        return rows;
    }
    while (rows % gguf->head_size != 0) {
        rows += Q8_GROUP; /* at most to head_size * Q8_GROUP */
    }
    return number_min(rows, number_round_up(gguf->tensor[id].rows, Q8_GROUP));
}

static void strip_layout(struct strip *strip, const struct gguf *gguf, struct arena *arena)
{
    uint64_t blocks = 0, columns = 0;
    for (uint32_t id = 0; id < gguf->tensor_count; id++) {
        const uint64_t groups = groups_of(&gguf->tensor[id]);
        if (gguf->tensor[id].type != GGUF_TYPE_ABSENT) {
            const uint64_t strip_blocks = strip_rows(gguf, id) * groups;
            blocks = strip_blocks > blocks ? strip_blocks : blocks;
            columns = groups * Q8_GROUP > columns ? groups * Q8_GROUP : columns;
        }
    }
    strip->raw = arena_take_array(arena, columns, sizeof(float), KERNEL_ALIGNMENT); /* the widest type */
    strip->values = arena_take_array(arena, columns, sizeof(float), KERNEL_ALIGNMENT);
    strip->scales = arena_take_array(arena, columns / Q8_GROUP, sizeof(float), KERNEL_ALIGNMENT);
    strip->blocks = arena_take_array(arena, blocks, sizeof(struct q8_0_block), KERNEL_ALIGNMENT);
}

uint64_t load_scratch(const struct gguf *gguf)
{
    struct arena counter = {0};
    struct strip unused;
    strip_layout(&unused, gguf, &counter);
    return counter.used + KERNEL_ALIGNMENT;
}

/* Reads the next n bytes of a tensor into the reader's window or `room`, and adds them to the checksum if the file has
   one; NULL on failure. */
static const void *fetch(struct loader *loader, void *room, uint64_t n)
{
    const uint8_t *bytes = reader_view(loader->reader, room, (size_t)n, loader->error);
    if (bytes != NULL && loader->gguf->has_checksum) {
        checksum_add(&loader->checksum, bytes, (size_t)n);
    }
    return bytes;
}

/* Reads the next row of a tensor as in the file; NULL on failure. */
static const uint8_t *fetch_row(struct loader *loader, const struct gguf_tensor *tensor)
{
    return fetch(loader, loader->strip.raw, tensor->size / tensor->rows);
}

static enum narrow_kind narrow_of(const struct gguf_tensor *tensor)
{
    return blocks_narrow_kind(tensor->type);
}

/* Bytes of a row of a tensor as blocks. */
static size_t row_bytes(const struct gguf_tensor *tensor)
{
    return groups_of(tensor) *
           (narrow_of(tensor) != NARROW_NONE ? sizeof(struct narrow_block) : sizeof(struct q8_0_block));
}

/* What blocks_to_q8_0 does for types that it does not keep, with the kernel's vector registers. */
static void quantize_row(struct loader *loader, struct q8_0_block *blocks, const uint8_t *row,
                         const struct gguf_tensor *tensor)
{
    const struct strip *strip = &loader->strip;
    const bool halves = tensor->type == GGUF_TYPE_F16 && tensor->cols % Q8_GROUP == 0;
    const uint32_t groups = groups_of(tensor);
    bool scaled = false;
    if (!halves) {
        blocks_decode(strip->values, row, tensor->type, tensor->cols);
        memset(strip->values + tensor->cols, 0, (groups * Q8_GROUP - tensor->cols) * sizeof(float));
        scaled = blocks_scales(strip->scales, strip->values, row, tensor->type, tensor->cols);
    }
    compute_begin(&loader->compute);
    loader->model->kernel->blocks_quantize(blocks, halves ? row : (const void *)strip->values, halves,
                                           scaled ? strip->scales : NULL, groups);
    compute_done(&loader->compute, groups / Q8_GROUP + 1);
    compute_end(&loader->compute);
}

static void convert_row(struct loader *loader, uint8_t *blocks, const uint8_t *row, const struct gguf_tensor *tensor)
{
    if (narrow_of(tensor) != NARROW_NONE) {
        blocks_to_narrow((struct narrow_block *)blocks, row, tensor->type, tensor->cols);
    } else if (blocks_are_kept(tensor->type)) {
        blocks_to_q8_0((struct q8_0_block *)blocks, row, tensor->type, tensor->cols);
    } else {
        quantize_row(loader, (struct q8_0_block *)blocks, row, tensor);
    }
}

/* Reads the `rows` rows of a strip, and pads them with zeros to whole tiles; NULL on failure. */
static const uint8_t *fetch_strip(struct loader *loader, uint32_t id, uint32_t rows)
{
    const struct gguf_tensor *tensor = &loader->gguf->tensor[id];
    uint8_t *const strip = loader->strip.blocks;
    const size_t bytes = row_bytes(tensor);
    const bool turned = is_turned(loader->gguf, id);
    if (tensor->type == GGUF_TYPE_Q8_0 && !turned) {
        const uint8_t *whole = fetch(loader, strip, rows * bytes);
        if (rows == Q8_GROUP || whole == NULL) {
            return whole;
        }
        if (whole != strip) {
            memcpy(strip, whole, rows * bytes);
        }
    } else {
        for (uint32_t i = 0; i < rows; i++) {
            const uint8_t *row = fetch_row(loader, tensor);
            if (row == NULL) {
                return NULL;
            }
            convert_row(loader, strip + (turned ? rope_place(loader->gguf, i) : i) * bytes, row, tensor);
        }
    }
    memset(strip + rows * bytes, 0, (number_round_up(rows, Q8_GROUP) - rows) * bytes);
    return strip;
}

static int not_finite(struct loader *loader, uint32_t id, uint32_t row)
{
    char name[GGUF_TENSOR_NAME_MAX];
    gguf_tensor_name(name, sizeof name, id);
    return error_set(loader->error,
                     "%s: %s, row %u: a weight is infinite, not a number or beyond f16; get an intact copy",
                     loader->reader->path, name, row);
}

/* One row of tiles. */
static void pack_tiles(struct loader *loader, uint8_t *tiles, const uint8_t *blocks, const struct gguf_tensor *tensor)
{
    const struct kernel *kernel = loader->model->kernel;
    const uint32_t groups = groups_of(tensor);
    if (narrow_of(tensor) != NARROW_NONE) {
        narrow_pack(tiles, narrow_of(tensor), (const struct narrow_block *)blocks, groups);
        return;
    }
    compute_begin(&loader->compute); /* packing also uses vector registers */
    for (uint32_t group = 0; group < groups; group++, tiles += kernel->tile_bytes) {
        kernel->tile_pack(tiles, (const struct q8_0_block *)blocks + group, groups);
        compute_done(&loader->compute, 1);
    }
    compute_end(&loader->compute);
}

/* Once for each window: a clock may be slow to read. */
static int report(struct loader *loader, uint64_t bytes)
{
    loader->done += bytes;
    if (loader->reported == loader->reader->window_start && loader->done != loader->total && loader->done != 0) {
        return 0;
    }
    loader->reported = loader->reader->window_start;
    if (loader->progress.step != NULL && loader->progress.step(loader->progress.context, loader->done, loader->total)) {
        return error_set(loader->error, "%s: loading was stopped", loader->reader->path);
    }
    return 0;
}

/* Whether the numbers that a row's weights come from are in order. */
static bool is_sound(const uint8_t *blocks, const struct gguf_tensor *tensor)
{
    const uint32_t groups = groups_of(tensor);
    const struct narrow_block *narrow = (const struct narrow_block *)blocks;
    const struct q8_0_block *q8 = (const struct q8_0_block *)blocks;
    uint32_t largest = 0;
    if (narrow_of(tensor) != NARROW_NONE) {
        for (uint32_t i = 0; i < groups; i++) {
            largest = number_max(largest, number_max(narrow[i].scale & 0x7FFF, narrow[i].minimum & 0x7FFF));
        }
        return largest < (narrow_of(tensor) == Q6_FACTORS ? Q6_LIMIT : Q4_LIMIT);
    }
    for (const struct q8_0_block *end = q8 + groups; q8 < end; q8++) {
        largest |= ((uint32_t)q8->scale & 0x7C00) + 0x400; /* bit 15 comes from an exponent of ones alone */
    }
    return largest < 0x8000;
}

/* Whether all rows of a strip are sound, in the order of the file. */
static int check_rows(struct loader *loader, uint32_t id, const uint8_t *blocks, uint32_t first, uint32_t rows)
{
    const struct gguf_tensor *tensor = &loader->gguf->tensor[id];
    const bool turned = is_turned(loader->gguf, id);
    for (uint32_t i = 0; i < rows; i++) {
        if (!is_sound(blocks + (turned ? rope_place(loader->gguf, i) : i) * row_bytes(tensor), tensor)) {
            return not_finite(loader, id, first + i);
        }
    }
    return 0;
}

static int load_matrix(struct loader *loader, uint32_t id, uint8_t *tiles)
{
    const struct gguf_tensor *tensor = &loader->gguf->tensor[id];
    const uint32_t most = strip_rows(loader->gguf, id);
    const size_t row_of_tiles = kernel_row_bytes(loader->model->kernel, narrow_of(tensor), groups_of(tensor));
    for (uint32_t first = 0; first < tensor->rows; first += most) {
        const uint32_t rows = number_min(tensor->rows - first, most);
        const uint8_t *blocks = fetch_strip(loader, id, rows);
        if (blocks == NULL || check_rows(loader, id, blocks, first, rows) != 0) {
            return -1;
        }
        for (uint32_t row = 0; row < rows; row += Q8_GROUP, tiles += row_of_tiles) {
            pack_tiles(loader, tiles, blocks + row * row_bytes(tensor), tensor);
        }
        if (report(loader, rows * (tensor->size / tensor->rows)) != 0) {
            return -1;
        }
    }
    return 0;
}

/* Loads a vector into vector [padded]. Numbers whose magnitude has smaller bits than `smallest` count as 0, and larger
   ones than `largest` are refused. */
static int load_floats(struct loader *loader, uint32_t id, const float *vector, uint32_t padded, uint32_t smallest,
                       uint32_t largest)
{
    const struct gguf_tensor *tensor = &loader->gguf->tensor[id];
    float *out = (float *)vector, *const values = loader->strip.values;
    const bool turned = is_turned(loader->gguf, id);
    const uint8_t *row = fetch_row(loader, tensor);
    if (row == NULL) {
        return -1;
    }
    blocks_decode(values, row, tensor->type, tensor->cols);
    memset(out, 0, padded * sizeof *out);
    for (uint32_t i = 0; i < tensor->cols; i++) {
        const uint32_t magnitude = float_bits(values[i]) & 0x7FFFFFFF;
        if (magnitude > largest) {
            return not_finite(loader, id, 0);
        }
        out[turned ? rope_place(loader->gguf, i) : i] = magnitude >= smallest ? values[i] : 0.0f;
    }
    return report(loader, tensor->size);
}

/* The norm before a quantization, which itself finds numbers out of range. */
static int load_norm(struct loader *loader, uint32_t id, const float *norm)
{
    return load_floats(loader, id, norm, loader->model->dim_padded, 0, FLOAT_INFINITY - 1);
}

/* Any other vector: q8.h says why its numbers are limited. */
static int load_vector(struct loader *loader, uint32_t id, const float *vector, uint32_t padded)
{
    return load_floats(loader, id, vector, padded, Q8_SMALLEST, Q8_VECTOR_LARGEST);
}

/* Divides the frequencies by the tensor's factors (ggml_rope_ext's freq_factors). The comparison is false for NaN. */
static int load_rope_factors(struct loader *loader, uint32_t id)
{
    const struct gguf_tensor *tensor = &loader->gguf->tensor[id];
    uint64_t *frequency = loader->model->rope[0].frequency;
    const uint8_t *row = fetch_row(loader, tensor);
    if (row == NULL) {
        return -1;
    }
    for (uint32_t i = 0; i < tensor->cols; i++) {
        float factor;
        memcpy(&factor, row + i * sizeof factor, sizeof factor);
        if (!(factor >= GGUF_ROPE_FACTOR_MIN && factor < float_from_bits(FLOAT_INFINITY))) {
            return error_set(loader->error,
                             "%s: rope_freqs.weight, factor %u: it must be 1/1024 or more and finite; "
                             "get a sound copy",
                             loader->reader->path, i);
        }
        frequency[i] = rope_divide(frequency[i], factor);
    }
    return report(loader, tensor->size);
}

/* The tiles from row `row` of a stack of matrices on. */
static uint8_t *tiles_from(const struct model *model, const struct q8_matrix *matrix, uint32_t row)
{
    uint32_t row_tile = row / Q8_GROUP;
    for (; row_tile >= matrix->row_tiles; matrix = matrix->next) {
        row_tile -= matrix->row_tiles;
    }
    return matrix->tiles + row_tile * kernel_row_bytes(model->kernel, matrix->narrow, matrix->groups);
}

static int load_layer_tensor(struct loader *loader, uint32_t id)
{
    const struct model *model = loader->model;
    const struct model_layer *layer = &model->layer[(id - GGUF_TENSOR_LAYERS) / GGUF_LAYER_TENSORS];
    const uint32_t dim = model->dim_padded, head = model->head_size;
    switch ((enum gguf_layer_tensor)((id - GGUF_TENSOR_LAYERS) % GGUF_LAYER_TENSORS)) {
    case GGUF_LAYER_ATTN_NORM:
        return load_norm(loader, id, layer->attn_norm);
    case GGUF_LAYER_ATTN_Q:
        return load_matrix(loader, id, layer->qkv.tiles);
    case GGUF_LAYER_ATTN_K:
        return load_matrix(loader, id, tiles_from(model, &layer->qkv, model->q_rows));
    case GGUF_LAYER_ATTN_V:
        return load_matrix(loader, id, tiles_from(model, &layer->qkv, model->q_rows + model->kv_rows));
    case GGUF_LAYER_ATTN_OUTPUT:
        return load_matrix(loader, id, layer->attn_output.tiles);
    case GGUF_LAYER_FFN_NORM:
        return load_norm(loader, id, layer->ffn_norm);
    case GGUF_LAYER_FFN_GATE:
        return load_matrix(loader, id, layer->gate_up.tiles);
    case GGUF_LAYER_FFN_DOWN:
        return load_matrix(loader, id, layer->down.tiles);
    case GGUF_LAYER_FFN_UP:
        return load_matrix(loader, id, tiles_from(model, &layer->gate_up, model->hidden_padded));
    case GGUF_LAYER_ATTN_Q_BIAS:
        return load_vector(loader, id, layer->qkv_bias, model->q_rows);
    case GGUF_LAYER_ATTN_K_BIAS:
        return load_vector(loader, id, layer->qkv_bias + model->q_rows, model->kv_rows);
    case GGUF_LAYER_ATTN_V_BIAS:
        return load_vector(loader, id, layer->qkv_bias + model->q_rows + model->kv_rows, model->kv_rows);
    case GGUF_LAYER_ATTN_Q_NORM:
        return load_vector(loader, id, layer->q_norm, head);
    case GGUF_LAYER_ATTN_K_NORM:
        return load_vector(loader, id, layer->k_norm, head);
    case GGUF_LAYER_ATTN_POST_NORM:
        return load_vector(loader, id, layer->attn_post_norm, dim);
    case GGUF_LAYER_FFN_POST_NORM:
        return load_vector(loader, id, layer->ffn_post_norm, dim);
    case GGUF_LAYER_TENSORS:
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
    case GGUF_TENSOR_TOKEN_EMBD:
        return load_matrix(loader, id, loader->model->embedding.tiles);
    case GGUF_TENSOR_OUTPUT_NORM:
        return load_norm(loader, id, loader->model->output_norm);
    case GGUF_TENSOR_OUTPUT:
        return load_matrix(loader, id, loader->model->output.tiles);
    case GGUF_TENSOR_ROPE_FREQS:
        return load_rope_factors(loader, id);
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
        if (gguf->tensor[id].type != GGUF_TYPE_ABSENT && ahead &&
            (next == gguf->tensor_count || lies_before(gguf, id, next))) {
            next = id;
        }
    }
    return next;
}

/* Storage, or its firmware driver, may report success but return wrong bytes. */
static int check_sum(const struct loader *loader)
{
    if (!loader->gguf->has_checksum || checksum_value(&loader->checksum) == loader->gguf->checksum) {
        return 0;
    }
    return error_set(loader->error,
                     "%s: the weights were read incorrectly; try another port or write the "
                     "image again",
                     loader->reader->path);
}

int load_weights(struct model *model, const struct gguf *gguf, struct reader *reader, struct arena *arena,
                 const struct load_progress *progress, struct error *error)
{
    struct loader loader = {.model = model,
                            .gguf = gguf,
                            .reader = reader,
                            .progress = *progress,
                            .error = error,
                            .checksum = CHECKSUM_START};
    const uint64_t mark = arena->used;
    compute_open(&loader.compute, reader->platform, model->kernel);
    strip_layout(&loader.strip, gguf, arena);
    for (uint32_t id = 0; id < gguf->tensor_count; id++) {
        loader.total += gguf->tensor[id].type != GGUF_TYPE_ABSENT ? gguf->tensor[id].size : 0;
    }
    int status = loader.strip.blocks != NULL ? 0 : error_set(error, "%s: no memory left to load with", reader->path);
    status = status == 0 ? report(&loader, 0) : status;
    uint32_t id = next_in_file(gguf, gguf->tensor_count);
    while (status == 0 && id != gguf->tensor_count) {
        status = load_tensor(&loader, id);
        checksum_pad(&loader.checksum);
        id = next_in_file(gguf, id);
    }
    arena->used = mark;
    model_balance(model);
    return status == 0 ? check_sum(&loader) : status;
}
