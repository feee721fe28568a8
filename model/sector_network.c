#include "sector_network.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "network.h"
#include "sector_code.h"
#include "tool.h"

static void check_shape(const struct network *network)
{
    const struct {
        const char *key;
        uint32_t value;
    } shape[] = {
        {"llama.embedding_length", DIM},
        {"llama.block_count", LAYERS},
        {"llama.attention.head_count", HEADS},
        {"llama.attention.head_count_kv", GROUPS},
    };
    for (size_t i = 0; i < sizeof shape / sizeof *shape; i++) {
        if (network_number(network, shape[i].key) != shape[i].value) {
            die("%s: %s is not %u, which is all that fits a sector", network->path, shape[i].key, shape[i].value);
        }
    }
    if (network->vocabulary != VOCABULARY) {
        die("%s: has %u tokens, not %d", network->path, network->vocabulary, VOCABULARY);
    }
}

/* A matrix [rows][cols] to `out`; with a norm [cols] its weights are multiplied in. */
static void read_matrix(const struct network *network, const char *name, uint32_t rows, uint32_t cols,
                        const float *norm, double *out)
{
    static float matrix[VOCABULARY * DIM];
    network_matrix(network, name, rows, cols, matrix);
    for (uint32_t i = 0; i < rows * cols; i++) {
        out[i] = norm ? (double)matrix[i] * norm[i % cols] : matrix[i];
    }
}

static void read_layer(const struct network *network, uint32_t number, struct sector_layer *out)
{
    static float attn_norm[DIM], ffn_norm[DIM];
    const struct {
        const char *kind;
        uint32_t rows, cols;
        const float *norm;
        double *out;
    } matrix[] = {
        {"attn_q", DIM, DIM, attn_norm, out->q},        {"attn_k", KV, DIM, attn_norm, out->k},
        {"attn_v", KV, DIM, attn_norm, out->v},         {"attn_output", DIM, DIM, NULL, out->o},
        {"ffn_gate", HIDDEN, DIM, ffn_norm, out->gate}, {"ffn_up", HIDDEN, DIM, ffn_norm, out->up},
        {"ffn_down", DIM, HIDDEN, NULL, out->down},
    };
    char name[64];
    snprintf(name, sizeof name, "blk.%u.attn_norm.weight", number);
    network_matrix(network, name, 1, DIM, attn_norm);
    snprintf(name, sizeof name, "blk.%u.ffn_norm.weight", number);
    network_matrix(network, name, 1, DIM, ffn_norm);
    for (size_t i = 0; i < sizeof matrix / sizeof *matrix; i++) {
        snprintf(name, sizeof name, "blk.%u.%s.weight", number, matrix[i].kind);
        read_matrix(network, name, matrix[i].rows, matrix[i].cols, matrix[i].norm, matrix[i].out);
    }
}

/* What the screen gets: a new line for BOS, a carriage return before each line's end, spaces for U+2581. */
static size_t screen_text(const struct network_text *text, int is_bos, char out[static SECTOR_TEXT_MAX + 1])
{
    unsigned byte;
    size_t length = 0;
    if (is_bos) {
        return (size_t)sprintf(out, "\r\n");
    }
    for (size_t i = 0; i < text->length && length < SECTOR_TEXT_MAX; i++) {
        if (text->length - i >= 3 && memcmp(text->bytes + i, "\u2581", 3) == 0) {
            out[length++] = ' ';
            i += 2;
        } else {
            out[length++] = (unsigned char)text->bytes[i] < 128 ? text->bytes[i] : '?';
        }
    }
    out[length] = '\0';
    if (length == 6 && sscanf(out, "<0x%2X>", &byte) == 1) {
        return byte == '\n' ? (size_t)sprintf(out, "\r\n")
                            : (size_t)sprintf(out, "%c", byte >= ' ' && byte < 128 ? (char)byte : '?');
    }
    return length;
}

const struct sector_network *sector_network_read(const char *path)
{
    struct network file;
    struct sector_network *network = allocate(sizeof *network);
    static float norm[DIM];
    network_read(&file, path);
    check_shape(&file);
    for (uint32_t i = 0; i < LAYERS; i++) {
        read_layer(&file, i, &network->layer[i]);
    }
    network_matrix(&file, "output_norm.weight", 1, DIM, norm);
    read_matrix(&file, "token_embd.weight", VOCABULARY, DIM, NULL, network->embedding);
    read_matrix(&file, "token_embd.weight", VOCABULARY, DIM, norm, network->output);
    for (uint32_t id = 0; id < VOCABULARY; id++) {
        network->text[id].length = screen_text(&file.text[id], id == ID_BOS, network->text[id].bytes);
    }
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
