/*
 * Lays a network of stories260K's shape out for the boot sector of bios/sector/: gguf-to-sector SECTOR.bin SECTOR.map
 * MODEL.gguf IMAGE RESIDUAL_BITS UNIT_BITS. The image is the sector and behind it the weights as int16, in the order
 * in which it reads them.
 *
 * Nothing is computed here but products of weights with constants: weights of norms, the root of 64 and of 8, and
 * the scales of fixed-point numbers. Rows and columns change places, none is changed for what it makes the model say.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "network.h"
#include "sector_code.h"
#include "tool.h"

/* The one shape that the sector computes. */
enum { DIM = 64, HIDDEN = 172, LAYERS = 5, HEADS = 8, GROUPS = 4, HEAD = 8, VOCABULARY = 512, KV = GROUPS * HEAD };
enum { ID_UNKNOWN, ID_BOS, TOKEN_BYTES = 256, SQUARINGS = 18 };

/* Fixed point: an activation a is kept as round(a * 2^bits) in 16 bits. How large a network's residual stream and its
   feed-forward units become cannot be read off its weights, so the command line says it. */
static double scale_x, scale_h;
static double scale_v; /* of values: attention's output matrix gets what is left of the product with it */

struct image {
    uint8_t *bytes;
    size_t size, at;
};

struct scales { /* int16 weight / weight, where the norm's division by |X| has its factor of sqrt(64) in it */
    double query, key, value, gate, up, attention_output, down, output;
};

static void put(struct image *image, double weight, const char *what)
{
    const long number = lrint(weight);
    if (number < INT16_MIN || number > INT16_MAX) {
        die("a weight of %s is too large for 16 bits: %ld", what, number);
    }
    image->bytes[image->at++] = (uint8_t)number;
    image->bytes[image->at++] = (uint8_t)(number >> 8);
}

/* Row `row` of a matrix [..][DIM] behind a norm, whose weights are multiplied in. */
static void put_row(struct image *image, const float *matrix, uint32_t row, const float *norm, double scale,
                    const char *what)
{
    for (uint32_t i = 0; i < DIM; i++) {
        put(image, (double)matrix[row * DIM + i] * norm[i] * scale, what);
    }
}

static struct scales find_scales(const struct sector_code *code)
{
    const double root = sqrt(DIM), squares = ldexp(1, SQUARINGS);
    const double score = 1 / (sqrt(HEAD) * squares * sector_constant(code, "score_scale")); /* of both together */
    const double gate = -1 / (squares * sector_constant(code, "gate_scale"));
    const double up = -scale_h * squares / sector_constant(code, "unit_scale");
    const double project = scale_x / sector_constant(code, "project_scale");
    return (struct scales){
        .query = root * copysign(sqrt(fabs(score)), score),
        .key = root * sqrt(fabs(score)),
        .value = root * scale_v,
        .gate = root * gate,
        .up = root * up,
        .attention_output = project / scale_v,
        .down = project / scale_h,
        .output = 4096,
    };
}

static void layer_matrix(const struct network *network, uint32_t layer, const char *kind, uint32_t rows, uint32_t cols,
                         float *out)
{
    char name[64];
    snprintf(name, sizeof name, "blk.%u.%s.weight", layer, kind);
    network_matrix(network, name, rows, cols, out);
}

/* For each group the rows of its value, key and two queries; then the output matrix with its columns where they go. */
static void put_attention(struct image *image, const struct network *network, uint32_t layer, const struct scales *s)
{
    static float norm[DIM], q[DIM * DIM], k[KV * DIM], v[KV * DIM], o[DIM * DIM];
    layer_matrix(network, layer, "attn_norm", 1, DIM, norm);
    layer_matrix(network, layer, "attn_q", DIM, DIM, q);
    layer_matrix(network, layer, "attn_k", KV, DIM, k);
    layer_matrix(network, layer, "attn_v", KV, DIM, v);
    layer_matrix(network, layer, "attn_output", DIM, DIM, o);
    for (uint32_t group = 0; group < GROUPS; group++) {
        for (uint32_t i = 0; i < HEAD; i++) {
            put_row(image, v, group * HEAD + i, norm, s->value, "attn_v");
        }
        for (uint32_t i = 0; i < HEAD; i++) {
            put_row(image, k, group * HEAD + i, norm, s->key, "attn_k");
        }
        for (uint32_t i = 0; i < 2 * HEAD; i++) {
            put_row(image, q, group * 2 * HEAD + i, norm, s->query, "attn_q");
        }
    }
    for (uint32_t row = 0; row < DIM; row++) {
        for (uint32_t col = 0; col < HIDDEN; col++) {
            const uint32_t group = col / (4 * HEAD), slot = col % (4 * HEAD); /* value, key, query, query */
            const int used = group < GROUPS && slot >= 2 * HEAD;
            const uint32_t from = group * 2 * HEAD + slot % (2 * HEAD);
            put(image, used ? o[row * DIM + from] * s->attention_output : 0, "attn_output");
        }
    }
}

static void put_feed_forward(struct image *image, const struct network *network, uint32_t layer, const struct scales *s)
{
    static float norm[DIM], gate[HIDDEN * DIM], up[HIDDEN * DIM], down[DIM * HIDDEN];
    layer_matrix(network, layer, "ffn_norm", 1, DIM, norm);
    layer_matrix(network, layer, "ffn_gate", HIDDEN, DIM, gate);
    layer_matrix(network, layer, "ffn_up", HIDDEN, DIM, up);
    layer_matrix(network, layer, "ffn_down", DIM, HIDDEN, down);
    for (uint32_t unit = 0; unit < HIDDEN; unit++) {
        put_row(image, gate, unit, norm, s->gate, "ffn_gate");
        put_row(image, up, unit, norm, s->up, "ffn_up");
    }
    for (uint32_t i = 0; i < DIM * HIDDEN; i++) {
        put(image, down[i] * s->down, "ffn_down");
    }
}

/* The sector counts BOS as token 0, because 0 is the easiest number to find. */
static uint32_t id_of_token(uint32_t token)
{
    return token == 0 ? ID_BOS : token == ID_BOS ? ID_UNKNOWN : token;
}

/* A character of a text is shifted left by one; bit 0 says that another one follows. */
static void put_text(struct image *image, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        const uint8_t c = (uint8_t)text[i] < 128 ? (uint8_t)text[i] : '?';
        image->bytes[image->at + i] = (uint8_t)(c << 1 | (i + 1 < length));
    }
}

/* What the screen gets: a new line for BOS, a carriage return before each line's end, spaces for U+2581. */
static size_t screen_text(const struct network_text *text, uint32_t id, char out[static TOKEN_BYTES])
{
    unsigned byte;
    size_t length = 0;
    if (id == ID_BOS) {
        return (size_t)sprintf(out, "\r\n");
    }
    for (size_t i = 0; i < text->length && length < 64; i++) {
        if (text->length - i >= 3 && memcmp(text->bytes + i, "\u2581", 3) == 0) {
            out[length++] = ' ';
            i += 2;
        } else {
            out[length++] = text->bytes[i];
        }
    }
    out[length] = '\0';
    if (length == 6 && sscanf(out, "<0x%2X>", &byte) == 1) {
        return byte == '\n' ? (size_t)sprintf(out, "\r\n") : (size_t)sprintf(out, "%c", byte >= ' ' ? (char)byte : '?');
    }
    return length;
}

static void put_tokens(struct image *image, const struct network *network, const struct sector_code *code)
{
    static float embedding[VOCABULARY * DIM], norm[DIM];
    network_matrix(network, "token_embd.weight", VOCABULARY, DIM, embedding);
    network_matrix(network, "output_norm.weight", 1, DIM, norm);
    const struct scales scales = find_scales(code);
    for (uint32_t row = 0; row < VOCABULARY; row++) { /* the last one first */
        put_row(image, embedding, id_of_token(VOCABULARY - 1 - row), norm, scales.output, "output_norm");
    }
    for (uint32_t token = 0; token < VOCABULARY; token++) {
        const uint32_t id = id_of_token(token);
        image->at = sector_file_offset(code, sector_symbol(code, "TOKENS")) + token * TOKEN_BYTES;
        for (uint32_t i = 0; i < DIM; i++) {
            put(image, embedding[id * DIM + i] * scale_x, "token_embd");
        }
        char text[TOKEN_BYTES];
        put_text(image, text, screen_text(&network->text[id], id, text));
    }
}

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

static void write_image(const struct image *image, const char *path)
{
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(image->bytes, 1, image->size, file) != image->size || fclose(file) != 0) {
        die("%s: %s", path, strerror(errno));
    }
}

/* The scale of a number of fraction bits, 0 where the word is none. */
static double scale_of_bits(const char *word)
{
    char *end;
    const long bits = strtol(word, &end, 10);
    return *word != '\0' && *end == '\0' && bits >= 0 && bits <= 15 ? ldexp(1, (int)bits) : 0;
}

int main(int argc, char **argv)
{
    if (argc != 7 || (scale_x = scale_of_bits(argv[5])) == 0 || (scale_h = scale_of_bits(argv[6])) == 0) {
        fputs("Usage: gguf-to-sector SECTOR.bin SECTOR.map MODEL.gguf IMAGE RESIDUAL_BITS UNIT_BITS\n"
              "The bits, 0 to 15, are those behind the binary point of the residual stream and of feed-forward units.\n"
              "Exit codes: 0 done, 1 a file cannot be read, used or written, 2 wrong usage.\n",
              stderr);
        return EXIT_USAGE;
    }
    scale_v = sqrt(8192 * scale_x);
    struct sector_code code;
    struct network network;
    sector_code_read(&code, argv[1], argv[2]);
    network_read(&network, argv[3]);
    check_shape(&network);

    struct image image = {.size = sector_image_bytes(&code), .at = SECTOR_BYTES};
    image.bytes = allocate(image.size);
    memcpy(image.bytes, code.bytes, SECTOR_BYTES);
    const struct scales scales = find_scales(&code);
    for (uint32_t layer = 0; layer < LAYERS; layer++) {
        put_attention(&image, &network, layer, &scales);
        put_feed_forward(&image, &network, layer, &scales);
    }
    put_tokens(&image, &network, &code);
    write_image(&image, argv[4]);
    return EXIT_SUCCESS;
}
