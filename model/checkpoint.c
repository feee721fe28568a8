#include "checkpoint.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>

#include "tool.h"

enum { HEADER_MAGIC_LATER = 0x616B3432 }; /* "ak42": versions 1 and 2 begin so */

struct header { /* as in the file; int32 little-endian */
    int32_t dim, hidden, layers, heads, kv_heads, vocabulary, context;
};
_Static_assert(sizeof(struct header) == 28, "a header has no padding");

static uint64_t file_size(FILE *file, const char *path)
{
    struct stat status;
    if (fstat(fileno(file), &status) != 0) {
        die("%s: %s", path, strerror(errno));
    }
    if (!S_ISREG(status.st_mode)) {
        die("%s: is not a regular file", path);
    }
    return (uint64_t)status.st_size;
}

static uint32_t check_range(const struct checkpoint *checkpoint, const char *what, int64_t value, int64_t low,
                            int64_t high)
{
    if (value < low || value > high) {
        die("%s: not a llama2.c checkpoint: %s is %lld; allowed are %lld to %lld", checkpoint->path, what,
            (long long)value, (long long)low, (long long)high);
    }
    return (uint32_t)value;
}

/* core/'s limits: they keep products of three sizes far within 64 bits. */
static void read_header(struct checkpoint *checkpoint)
{
    struct header header;
    if (fread(&header, sizeof header, 1, checkpoint->file) != 1) {
        die("%s: not a llama2.c checkpoint: shorter than its header of %zu bytes", checkpoint->path, sizeof header);
    }
    if (header.dim == HEADER_MAGIC_LATER) {
        die("%s: a llama2.c checkpoint of version 1 or 2; export it with --version 0", checkpoint->path);
    }

    checkpoint->dim = check_range(checkpoint, "dim", header.dim, 2, GGUF_COLUMNS_MAX);
    checkpoint->hidden = check_range(checkpoint, "hidden_dim", header.hidden, 1, GGUF_COLUMNS_MAX);
    checkpoint->layers = check_range(checkpoint, "n_layers", header.layers, 1, GGUF_LAYERS_MAX);
    checkpoint->heads = check_range(checkpoint, "n_heads", header.heads, 1, header.dim);
    checkpoint->kv_heads = check_range(checkpoint, "n_kv_heads", header.kv_heads, 1, header.heads);
    checkpoint->context = check_range(checkpoint, "seq_len", header.context, 1, GGUF_CONTEXT_MAX);

    /* A negative vocabulary means a separate output matrix, after everything else. */
    const int64_t vocabulary = header.vocabulary;
    checkpoint->tied = vocabulary > 0;
    checkpoint->vocabulary =
        check_range(checkpoint, "vocab_size", checkpoint->tied ? vocabulary : -vocabulary, 3, GGUF_VOCABULARY_MAX);

    checkpoint->head_size = checkpoint->dim / checkpoint->heads;
    if (checkpoint->dim % checkpoint->heads != 0 || checkpoint->head_size % 2 != 0) {
        die("%s: dim %u does not divide into %u heads of an even size", checkpoint->path, checkpoint->dim,
            checkpoint->heads);
    }
    if (checkpoint->heads % checkpoint->kv_heads != 0) {
        die("%s: %u heads cannot share %u key-value heads evenly", checkpoint->path, checkpoint->heads,
            checkpoint->kv_heads);
    }
}

/* Places tensor `id` at *position and moves past it. */
static void place(struct checkpoint *checkpoint, uint64_t *position, uint32_t id, uint32_t rows, uint32_t cols)
{
    checkpoint->tensor[id] = (struct checkpoint_tensor){*position, rows, cols};
    *position += (uint64_t)rows * cols * sizeof(float);
}

/* The file has the tensors of one kind for all layers together, in the order of enum gguf_layer_tensor. */
static void place_tensors(struct checkpoint *checkpoint)
{
    const uint32_t dim = checkpoint->dim, hidden = checkpoint->hidden;
    const uint32_t kv_dim = checkpoint->kv_heads * checkpoint->head_size;
    const uint32_t shape[GGUF_LAYER_LLAMA][2] = {
        [GGUF_LAYER_ATTN_NORM] = {1, dim},     [GGUF_LAYER_ATTN_Q] = {dim, dim},
        [GGUF_LAYER_ATTN_K] = {kv_dim, dim},   [GGUF_LAYER_ATTN_V] = {kv_dim, dim},
        [GGUF_LAYER_ATTN_OUTPUT] = {dim, dim}, [GGUF_LAYER_FFN_NORM] = {1, dim},
        [GGUF_LAYER_FFN_GATE] = {hidden, dim}, [GGUF_LAYER_FFN_DOWN] = {dim, hidden},
        [GGUF_LAYER_FFN_UP] = {hidden, dim},
    };
    uint64_t position = sizeof(struct header);
    place(checkpoint, &position, GGUF_TENSOR_TOKEN_EMBD, checkpoint->vocabulary, dim);
    for (uint32_t kind = 0; kind < GGUF_LAYER_LLAMA; kind++) {
        for (uint32_t layer = 0; layer < checkpoint->layers; layer++) {
            place(checkpoint, &position, GGUF_TENSOR_LAYERS + layer * GGUF_LAYER_TENSORS + kind, shape[kind][0],
                  shape[kind][1]);
        }
    }
    place(checkpoint, &position, GGUF_TENSOR_OUTPUT_NORM, 1, dim);

    /* Cosines and sines of RoPE, [context][head_size / 2] each: unused, because run.c and other programs compute their
       own. */
    position += (uint64_t)checkpoint->context * checkpoint->head_size * sizeof(float);
    if (!checkpoint->tied) {
        place(checkpoint, &position, GGUF_TENSOR_OUTPUT, checkpoint->vocabulary, dim);
    }

    checkpoint->size = position;
    checkpoint->tensor_count = GGUF_TENSOR_LAYERS + checkpoint->layers * GGUF_LAYER_TENSORS;
}

void checkpoint_open(struct checkpoint *checkpoint, const char *path)
{
    *checkpoint = (struct checkpoint){.path = path};
    checkpoint->file = fopen(path, "rb");
    if (!checkpoint->file) {
        die("%s: %s", path, strerror(errno));
    }
    const uint64_t size = file_size(checkpoint->file, path);
    read_header(checkpoint);
    place_tensors(checkpoint);
    if (size != checkpoint->size) {
        die("%s: %llu bytes long, but its header (dim %u, hidden_dim %u, %u layers, vocabulary %u) means %llu", path,
            (unsigned long long)size, checkpoint->dim, checkpoint->hidden, checkpoint->layers, checkpoint->vocabulary,
            (unsigned long long)checkpoint->size);
    }
}

void checkpoint_close(struct checkpoint *checkpoint)
{
    fclose(checkpoint->file);
}

void checkpoint_row(struct checkpoint *checkpoint, uint32_t id, uint32_t row, float *out)
{
    const struct checkpoint_tensor *tensor = &checkpoint->tensor[id];
    const uint64_t row_bytes = (uint64_t)tensor->cols * sizeof(float);
    const uint64_t offset = tensor->offset + row * row_bytes;
    /* Rows are mostly sequential; a seek would discard the buffer. */
    if ((uint64_t)ftello(checkpoint->file) != offset && fseeko(checkpoint->file, (off_t)offset, SEEK_SET) != 0) {
        die("%s: %s", checkpoint->path, strerror(errno));
    }
    if (fread(out, row_bytes, 1, checkpoint->file) != 1) {
        die("%s: cannot be read at byte %llu", checkpoint->path, (unsigned long long)offset);
    }
    for (uint32_t i = 0; i < tensor->cols; i++) {
        if (!isfinite(out[i])) {
            die("%s: the weight at byte %llu is not a finite number", checkpoint->path,
                (unsigned long long)(offset + i * sizeof(float)));
        }
    }
}
