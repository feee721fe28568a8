#include "sector_network.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gguf/blocks.h"
#include "gguf/header.h"
#include "sector_code.h"
#include "tool.h"

enum { FILE_BYTES_MAX = 16 << 20 };

/* A model file in memory, as core/gguf reads it. */
static struct source {
    const char *path;
    uint8_t bytes[FILE_BYTES_MAX];
    size_t size;
    struct gguf gguf;
} source;

/* Only the one file: a split model has others. */
static int open_source(struct platform *platform, const char *path, struct platform_file *file)
{
    if (strcmp(path, source.path) != 0) {
        snprintf(platform->error, sizeof platform->error,
                 "a sector takes a model of one file; join its parts first (gguf-split --merge)");
        return PLATFORM_IO_ERROR;
    }
    file->size = source.size;
    return PLATFORM_OK;
}

static void close_source(struct platform *platform, struct platform_file *file)
{
    (void)platform, (void)file;
}

static int read_source(struct platform *platform, struct platform_file *file, uint64_t offset, void *buffer,
                       uint32_t bytes)
{
    (void)platform, (void)file;
    memcpy(buffer, source.bytes + offset, bytes);
    return 0;
}

static void read_source_header(const char *path)
{
    static uint8_t window[1 << 16];
    static struct platform platform = {.open = open_source, .close = close_source, .read = read_source};
    static struct reader reader;
    struct error error;
    FILE *file = fopen(path, "rb");
    if (!file) {
        die("%s: %s", path, strerror(errno));
    }
    source.path = path;
    source.size = fread(source.bytes, 1, FILE_BYTES_MAX, file);
    fclose(file);
    if (reader_open(&reader, &platform, path, window, sizeof window, &error) != 0 ||
        gguf_read(&source.gguf, &reader, &error) != 0) {
        die("%s", error.text);
    }
}

static void check_shape(void)
{
    const struct gguf *g = &source.gguf;
    const struct {
        const char *what;
        uint32_t value, expected;
    } shape[] = {
        {"embedding_length", g->dim, DIM},
        {"block_count", g->layers, LAYERS},
        {"attention.head_count", g->heads, HEADS},
        {"attention.head_count_kv", g->kv_heads, GROUPS},
        {"attention.key_length", g->head_size, HEAD},
        {"rope.dimension_count", g->rope_size, HEAD},
        {"rope.freq_base", (uint32_t)g->rope_base, 10000}, /* the fourth power of ten, by which an angle is divided */
        {"vocabulary", g->vocabulary, VOCABULARY},
    };
    for (size_t i = 0; i < sizeof shape / sizeof *shape; i++) {
        if (shape[i].value != shape[i].expected) {
            die("%s: its %s is %u, and only %u fits a sector", source.path, shape[i].what, shape[i].value,
                shape[i].expected);
        }
    }
}

/* Nothing but a plain Llama 2. */
static void check_architecture(void)
{
    const struct gguf *g = &source.gguf;
    if (strcmp(g->architecture->name, "llama") != 0 || g->rope_factor != 1 ||
        g->tensor[GGUF_TENSOR_ROPE_FREQS].type != GGUF_TYPE_ABSENT) {
        die("%s: is not of architecture llama with plain positions, which is all that fits a sector", source.path);
    }
    for (uint32_t id = GGUF_TENSOR_LAYERS; id < g->tensor_count; id++) {
        if ((id - GGUF_TENSOR_LAYERS) % GGUF_LAYER_TENSORS >= GGUF_LAYER_LLAMA &&
            g->tensor[id].type != GGUF_TYPE_ABSENT) {
            char name[GGUF_TENSOR_NAME_MAX];
            gguf_tensor_name(name, sizeof name, id);
            die("%s: has %s, which does not fit a sector", source.path, name);
        }
    }
}

/* A tensor's upper left corner [rows][cols] to `out`; with a norm [cols] its weights are multiplied in. What lies
   around it is padding, and must be zeros. */
static void read_tensor(uint32_t id, uint32_t rows, uint32_t cols, const double *norm, double *out)
{
    static float row[GGUF_COLUMNS_MAX];
    const struct gguf_tensor *tensor = &source.gguf.tensor[id];
    char name[GGUF_TENSOR_NAME_MAX];
    gguf_tensor_name(name, sizeof name, id);
    if (tensor->rows < rows || tensor->cols < cols) {
        die("%s: %s is not a matrix of %u x %u", source.path, name, rows, cols);
    }
    for (uint32_t r = 0; r < tensor->rows; r++) {
        blocks_decode(row, source.bytes + tensor->offset + tensor->size / tensor->rows * r, tensor->type, tensor->cols);
        for (uint32_t c = 0; c < tensor->cols; c++) {
            if (!isfinite(row[c])) {
                die("%s: a weight of %s is not a finite number", source.path, name);
            }
            if (r < rows && c < cols) {
                out[r * cols + c] = norm ? (double)row[c] * norm[c] : row[c];
            } else if (row[c] != 0) {
                die("%s: %s is larger than %u x %u", source.path, name, rows, cols);
            }
        }
    }
}

static void read_layer(uint32_t number, struct sector_layer *out)
{
    static double attn_norm[DIM], ffn_norm[DIM];
    const uint32_t layer = GGUF_TENSOR_LAYERS + number * GGUF_LAYER_TENSORS;
    read_tensor(layer + GGUF_LAYER_ATTN_NORM, 1, DIM, NULL, attn_norm);
    read_tensor(layer + GGUF_LAYER_ATTN_Q, DIM, DIM, attn_norm, out->q);
    read_tensor(layer + GGUF_LAYER_ATTN_K, KV, DIM, attn_norm, out->k);
    read_tensor(layer + GGUF_LAYER_ATTN_V, KV, DIM, attn_norm, out->v);
    read_tensor(layer + GGUF_LAYER_ATTN_OUTPUT, DIM, DIM, NULL, out->o);
    read_tensor(layer + GGUF_LAYER_FFN_NORM, 1, DIM, NULL, ffn_norm);
    read_tensor(layer + GGUF_LAYER_FFN_GATE, HIDDEN, DIM, ffn_norm, out->gate);
    read_tensor(layer + GGUF_LAYER_FFN_UP, HIDDEN, DIM, ffn_norm, out->up);
    read_tensor(layer + GGUF_LAYER_FFN_DOWN, DIM, HIDDEN, NULL, out->down);
}

/* What the screen gets: a new line for BOS, a carriage return before each line's end, spaces for U+2581. */
static size_t screen_text(const uint8_t *piece, uint64_t bytes, int is_bos, char out[static SECTOR_TEXT_MAX + 1])
{
    unsigned byte;
    size_t length = 0;
    if (is_bos) {
        return (size_t)sprintf(out, "\r\n");
    }
    for (size_t i = 0; i < bytes && length < SECTOR_TEXT_MAX; i++) {
        if (bytes - i >= 3 && memcmp(piece + i, "\u2581", 3) == 0) {
            out[length++] = ' ';
            i += 2;
        } else {
            out[length++] = piece[i] < 128 ? (char)piece[i] : '?';
        }
    }
    out[length] = '\0';
    if (length == 6 && sscanf(out, "<0x%2X>", &byte) == 1) {
        return byte == '\n' ? (size_t)sprintf(out, "\r\n")
                            : (size_t)sprintf(out, "%c", byte >= ' ' && byte < 128 ? (char)byte : '?');
    }
    return length;
}

static void read_texts(struct sector_network *network)
{
    uint64_t at = source.gguf.pieces_offset;
    for (uint32_t id = 0; id < VOCABULARY; id++) {
        uint64_t bytes;
        memcpy(&bytes, source.bytes + at, sizeof bytes);
        at += sizeof bytes;
        network->text[id].length = screen_text(source.bytes + at, bytes, id == ID_BOS, network->text[id].bytes);
        at += bytes;
    }
}

const struct sector_network *sector_network_read(const char *path)
{
    struct sector_network *network = allocate(sizeof *network);
    static double norm[DIM];
    read_source_header(path);
    check_architecture();
    check_shape();
    for (uint32_t i = 0; i < LAYERS; i++) {
        read_layer(i, &network->layer[i]);
    }
    read_tensor(GGUF_TENSOR_OUTPUT_NORM, 1, DIM, NULL, norm);
    read_tensor(GGUF_TENSOR_TOKEN_EMBD, VOCABULARY, DIM, NULL, network->embedding);
    const bool is_tied = source.gguf.tensor[GGUF_TENSOR_OUTPUT].type == GGUF_TYPE_ABSENT;
    read_tensor(is_tied ? GGUF_TENSOR_TOKEN_EMBD : GGUF_TENSOR_OUTPUT, VOCABULARY, DIM, norm, network->output);
    read_texts(network);
    return network;
}

double sector_scale(const char *bits)
{
    char *end;
    const long number = strtol(bits, &end, 10);
    return *bits != '\0' && *end == '\0' && number >= 0 && number <= 15 ? ldexp(1, (int)number) : 0;
}

double sector_largest(const double *matrix, size_t count)
{
    double largest = 0;
    for (size_t i = 0; i < count; i++) {
        largest = fmax(largest, fabs(matrix[i]));
    }
    return largest;
}
