/* The tensor descriptions of a GGUF file: each must be one that the hyper-parameters require, and lie within the
   file. */
#include "gguf/tensors.h"

#include "base/format.h"
#include "gguf/blocks.h"

enum { DIMENSIONS_MAX = 4 };

struct shape {
    uint32_t rows, cols;
};

static struct shape layer_shape(const struct gguf *gguf, enum gguf_layer_tensor tensor)
{
    uint32_t q = gguf->heads * gguf->head_size, kv = gguf->kv_heads * gguf->head_size;
    switch (tensor) {
    case GGUF_LAYER_ATTN_Q:
        return (struct shape){q, gguf->dim};
    case GGUF_LAYER_ATTN_K:
    case GGUF_LAYER_ATTN_V:
        return (struct shape){kv, gguf->dim};
    case GGUF_LAYER_ATTN_OUTPUT:
        return (struct shape){gguf->dim, q};
    case GGUF_LAYER_FFN_GATE:
    case GGUF_LAYER_FFN_UP:
        return (struct shape){gguf->hidden, gguf->dim};
    case GGUF_LAYER_FFN_DOWN:
        return (struct shape){gguf->dim, gguf->hidden};
    case GGUF_LAYER_ATTN_Q_BIAS:
        return (struct shape){1, q};
    case GGUF_LAYER_ATTN_K_BIAS:
    case GGUF_LAYER_ATTN_V_BIAS:
        return (struct shape){1, kv};
    case GGUF_LAYER_ATTN_Q_NORM:
    case GGUF_LAYER_ATTN_K_NORM:
        return (struct shape){1, gguf->head_size};
    default: /* the other norms */
        return (struct shape){1, gguf->dim};
    }
}

enum presence { UNKNOWN, OPTIONAL, REQUIRED };

/* What the architecture says about tensor number `id`. */
static enum presence presence_of(const struct gguf_architecture *architecture, uint32_t id)
{
    if (id < GGUF_TENSOR_LAYERS) {
        return id == GGUF_TENSOR_OUTPUT       ? OPTIONAL
               : id != GGUF_TENSOR_ROPE_FREQS ? REQUIRED
               : architecture->rope_freqs     ? OPTIONAL
                                              : UNKNOWN;
    }
    switch ((id - GGUF_TENSOR_LAYERS) % GGUF_LAYER_TENSORS) {
    case GGUF_LAYER_ATTN_Q_BIAS:
    case GGUF_LAYER_ATTN_K_BIAS:
    case GGUF_LAYER_ATTN_V_BIAS:
        return architecture->biases ? REQUIRED : OPTIONAL;
    case GGUF_LAYER_ATTN_Q_NORM:
    case GGUF_LAYER_ATTN_K_NORM:
        return architecture->head_norms ? REQUIRED : UNKNOWN;
    case GGUF_LAYER_ATTN_POST_NORM:
    case GGUF_LAYER_FFN_POST_NORM:
        return architecture->post_norms ? REQUIRED : UNKNOWN;
    default:
        return REQUIRED;
    }
}

/* The shape that the hyper-parameters require of tensor number `id`. */
static struct shape shape_of(const struct gguf *gguf, uint32_t id)
{
    if (id >= GGUF_TENSOR_LAYERS) {
        return layer_shape(gguf, (id - GGUF_TENSOR_LAYERS) % GGUF_LAYER_TENSORS);
    }
    if (id == GGUF_TENSOR_ROPE_FREQS) {
        return (struct shape){1, gguf->rope_size / 2};
    }
    return (struct shape){id == GGUF_TENSOR_OUTPUT_NORM ? 1 : gguf->vocabulary, gguf->dim};
}

/* Compares the dimensions, of which the file states the contiguous one first, with the required shape. */
static int read_shape(struct gguf_input *in, const char *name, struct shape wanted)
{
    uint64_t sizes[DIMENSIONS_MAX] = {1, 1, 1, 1};
    uint32_t dimensions;
    if (gguf_get_u32(in, &dimensions) != 0) {
        return -1;
    }
    if (dimensions < 1 || dimensions > DIMENSIONS_MAX) {
        return gguf_refuse(in, name, "has %u dimensions; allowed are 1 to %u", dimensions, (uint32_t)DIMENSIONS_MAX);
    }
    for (uint32_t i = 0; i < dimensions; i++) {
        if (gguf_get_u64(in, &sizes[i]) != 0) {
            return -1;
        }
    }
    if (sizes[0] != wanted.cols || sizes[1] != wanted.rows || sizes[2] != 1 || sizes[3] != 1) {
        return gguf_refuse(in, name, "has shape %llu x %llu x %llu x %llu; the hyper-parameters ask for %u x %u",
                           (unsigned long long)sizes[0], (unsigned long long)sizes[1], (unsigned long long)sizes[2],
                           (unsigned long long)sizes[3], wanted.cols, wanted.rows);
    }
    return 0;
}

/* Users choose a file by its kind, "Q4_K_M", and do not know the types of its tensors, so the message names both. */
static int refuse_type(struct gguf_input *in, const char *name, uint32_t type)
{
    static const char advice[] = "which is not supported; take another file of this model, such as Q8_0 or Q4_K_M";
    const char *kind = gguf_kind_name(in->gguf->file_type), *known = gguf_type_name(type);
    char number[24];
    format(number, sizeof number, "of type %u", type);
    known = known[0] != '\0' ? known : number;
    if (kind[0] == '\0') {
        return gguf_refuse(in, name, "is %s, %s", known, advice);
    }
    return error_set(in->error, "%s: quantized as %s (%s is %s), %s", in->reader->path, kind, name, known, advice);
}

static int read_tensor(struct gguf_input *in)
{
    struct gguf *gguf = in->gguf;
    struct gguf_name name;
    uint32_t type;
    if (gguf_get_name(in, &name, GGUF_NAME_MAX) != 0) {
        return -1;
    }
    uint32_t id = gguf_find_tensor(gguf, name.text);
    if (id == gguf->tensor_count || presence_of(gguf->architecture, id) == UNKNOWN) {
        return gguf_refuse(in, name.text, "is not a tensor of a %s model with %u layers", gguf->architecture->name,
                           gguf->layers);
    }
    struct gguf_tensor *tensor = &gguf->tensor[id];
    if (tensor->type != GGUF_TYPE_ABSENT) {
        return gguf_refuse(in, name.text, "appears twice");
    }
    struct shape shape = shape_of(gguf, id);
    if (read_shape(in, name.text, shape) != 0 || gguf_get_u32(in, &type) != 0 ||
        gguf_get_u64(in, &tensor->offset) != 0) {
        return -1;
    }
    const uint32_t elements = blocks_elements(type);
    if (elements == 0) {
        return refuse_type(in, name.text, type);
    }
    if (id == GGUF_TENSOR_ROPE_FREQS && type != GGUF_TYPE_F32) {
        return gguf_refuse(in, name.text, "is %s; it must be F32", gguf_type_name(type));
    }
    if (shape.cols % elements != 0) {
        return gguf_refuse(in, name.text, "is %s with rows of %u; they must be a multiple of %u", gguf_type_name(type),
                           shape.cols, elements);
    }
    tensor->size = (uint64_t)shape.rows * (shape.cols / elements) * blocks_bytes(type); /* both sizes are below 2^20 */
    if ((tensor->offset & (in->alignment - 1)) != 0) {
        return gguf_refuse(in, name.text, "is at offset %llu, which is not a multiple of the alignment %u",
                           (unsigned long long)tensor->offset, in->alignment);
    }
    tensor->rows = shape.rows;
    tensor->cols = shape.cols;
    tensor->type = (uint8_t)type;
    tensor->part = (uint8_t)in->reader->part;
    gguf->parameters += (uint64_t)shape.rows * shape.cols;
    return 0;
}

/* Makes the offsets of the part's tensors relative to the start of the file, and checks that they are inside it. */
static int place_tensors(struct gguf_input *in)
{
    struct gguf *gguf = in->gguf;
    uint64_t limit = in->reader->limit; /* below 2^58 */
    uint64_t mask = in->alignment - 1;
    uint64_t data = (in->reader->position + mask) & ~mask; /* a part begins at a multiple of every alignment */
    char name[GGUF_NAME_MAX];
    for (uint32_t id = 0; id < gguf->tensor_count; id++) {
        struct gguf_tensor *tensor = &gguf->tensor[id];
        if (tensor->type == GGUF_TYPE_ABSENT || tensor->part != in->reader->part) {
            continue;
        }
        if (data > limit || tensor->offset > limit - data || tensor->size > limit - data - tensor->offset) {
            gguf_tensor_name(name, sizeof name, id);
            return gguf_refuse(in, name, "reaches beyond the end of the file; copy it again");
        }
        tensor->offset += data;
    }
    return 0;
}

void gguf_begin_tensors(struct gguf *gguf)
{
    gguf->tensor_count = GGUF_TENSOR_LAYERS + gguf->layers * GGUF_LAYER_TENSORS;
    for (uint32_t id = 0; id < GGUF_TENSORS_MAX; id++) {
        gguf->tensor[id].type = GGUF_TYPE_ABSENT;
    }
}

int gguf_read_tensors(struct gguf_input *in, uint64_t count)
{
    for (; count > 0; count--) {
        if (read_tensor(in) != 0) {
            return -1;
        }
    }
    return place_tensors(in);
}

int gguf_check_tensors(struct gguf_input *in)
{
    const struct gguf *gguf = in->gguf;
    char name[GGUF_NAME_MAX];
    for (uint32_t id = 0; id < gguf->tensor_count; id++) {
        if (gguf->tensor[id].type == GGUF_TYPE_ABSENT && presence_of(gguf->architecture, id) == REQUIRED) {
            gguf_tensor_name(name, sizeof name, id);
            return gguf_refuse(in, name, "is missing");
        }
    }
    return 0;
}
