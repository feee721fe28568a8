/*
 * Lays a network of stories260K's shape out for the record of bios/sector/: gguf-to-record RECORD.bin RECORD.map
 * MODEL.gguf IMAGE RESIDUAL_BITS UNIT_BITS. The image is the sector, records of the tokens, and the weights as int16 in
 * the order in which it reads them.
 *
 * Nothing is computed here but products of weights with constants: weights of norms, the root of 64 and of 8, and the
 * scales of fixed-point numbers. Factors that two matrices share are shared so that the largest weights of both are
 * equal. For RoPE the rows of queries and keys are there twice, the second time turned by a right angle: the row that
 * the sine belongs to. No weight is changed for what it makes the model say.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sector_code.h"
#include "sector_image.h"
#include "sector_network.h"
#include "tool.h"

enum {
    TEXT = 64,               /* words of a token's text */
    LOGIT_SCALE = -6000,     /* of the output matrix: 750 is 1 of a logit; the record looks for the least product */
    CHARACTER = 0x0E00,      /* AX of INT 10h: writes a character; */
    FILL = 0xFE00 - 0x10000, /* no such function; */
    END = 0x007F,            /* no such screen mode */
};

struct scales { /* int16 weight / weight, where the division by |X| has its factor of sqrt(64) in it */
    double query, key, value, gate, up, attention_output, down;
};

static double scale_x, scale_h; /* int16 / activation, of the residual stream and of units */

static double largest(const struct sector_network *network, size_t offset, size_t count)
{
    double all = 0;
    for (int i = 0; i < LAYERS; i++) {
        const char *layer = (const char *)&network->layer[i];
        all = fmax(all, sector_largest((const double *)(const void *)(layer + offset), count));
    }
    return all;
}

#define LARGEST(network, matrix) \
    largest(network, offsetof(struct sector_layer, matrix), sizeof(network)->layer->matrix / sizeof(double))

static struct scales find_scales(const struct sector_network *network, const struct sector_code *code)
{
    const double root = sqrt(DIM), squares = ldexp(1, (int)sector_symbol(code, "SQUARINGS"));
    const double score = DIM / (sqrt(HEAD) * squares * sector_constant(code, "score_scale")); /* query * key */
    const double project = scale_x / sector_constant(code, "project_scale");
    const double key = sqrt(fabs(score) * LARGEST(network, q) / LARGEST(network, k));
    const double value = sqrt(root * project * LARGEST(network, o) / LARGEST(network, v));
    return (struct scales){
        .query = score / key,
        .key = key,
        .value = value,
        .gate = -root / (squares * sector_constant(code, "gate_scale")),
        .up = -root * scale_h * squares / sector_constant(code, "unit_scale"),
        .attention_output = root * project / value,
        .down = project / scale_h,
    };
}

/* A head's rows [HEAD][DIM] in pairs: the first elements of all RoPE pairs, then the second ones. Behind each row comes
   the one that the sine belongs to. */
static void put_head(struct sector_image *image, const double *rows, double scale, const char *what)
{
    for (size_t i = 0; i < HEAD; i++) {
        const size_t pair = i % (HEAD / 2) * 2, second = i / (HEAD / 2);
        sector_put_row(image, rows + (pair + second) * DIM, DIM, scale, what);
        sector_put_row(image, rows + (pair + !second) * DIM, DIM, second ? scale : -scale, what);
    }
}

static void put_attention(struct sector_image *image, const struct sector_layer *l, const struct scales *s,
                          size_t zero_rows)
{
    for (size_t group = 0; group < GROUPS; group++) {
        put_head(image, l->k + group * HEAD * DIM, s->key, "attn_k");
        for (size_t i = 0; i < HEAD; i++) { /* the sine of a value is 0, so its second row does not matter */
            sector_put_row(image, l->v + (group * HEAD + i) * DIM, DIM, s->value, "attn_v");
            sector_put_row(image, l->v, DIM, 0, "attn_v");
        }
        put_head(image, l->q + group * 2 * HEAD * DIM, s->query, "attn_q");
        put_head(image, l->q + (group * 2 + 1) * HEAD * DIM, s->query, "attn_q");
    }
    image->at += zero_rows * DIM * sizeof(int16_t);
    sector_put_attention_output(image, l, s->attention_output);
}

/* All weights in the order in which the record reads them. */
static struct sector_image put_stream(const struct sector_network *network, const struct sector_code *code)
{
    const size_t pairs = sector_symbol(code, "ROWS"), used = GROUPS * 4 * HEAD;
    const size_t layer = 2 * pairs * DIM + DIM * HIDDEN + 3 * HIDDEN * DIM;
    const struct scales scales = find_scales(network, code);
    const size_t size = (LAYERS * layer + VOCABULARY * DIM) * sizeof(int16_t);
    struct sector_image stream = {.bytes = allocate(size), .size = size};
    for (int i = 0; i < LAYERS; i++) {
        put_attention(&stream, &network->layer[i], &scales, 2 * (pairs - used));
        sector_put_feed_forward(&stream, &network->layer[i], scales.gate, scales.up, scales.down);
    }
    for (int number = VOCABULARY; number > 0; number--) {
        sector_put_row(&stream, network->output + record_token(number) * DIM, DIM, LOGIT_SCALE, "output_norm");
    }
    return stream;
}

/* A token's record: its embedding, its text, what the stream begins with. */
static void put_token(struct sector_image *image, const struct sector_network *network, int id, const uint8_t *stream)
{
    const size_t length = network->text[id].length;
    sector_put_row(image, network->embedding + id * DIM, DIM, scale_x, "token_embd");
    for (size_t i = length + 1; i < TEXT; i++) {
        sector_put(image, FILL, "text");
    }
    for (size_t i = 0; i < length; i++) {
        sector_put(image, CHARACTER + network->text[id].bytes[i], "text");
    }
    sector_put(image, END, "text");
    memcpy(image->bytes + image->at, stream, RECORD_FIRST * sizeof(int16_t));
}

int main(int argc, char **argv)
{
    if (argc != 7 || (scale_x = sector_scale(argv[5])) == 0 || (scale_h = sector_scale(argv[6])) == 0) {
        fputs("Usage: gguf-to-record RECORD.bin RECORD.map MODEL.gguf IMAGE RESIDUAL_BITS UNIT_BITS\n"
              "The bits, 0 to 15, are those behind the binary point of the residual stream and of feed-forward units.\n"
              "Exit codes: 0 done, 1 a file cannot be read, used or written, 2 wrong usage.\n",
              stderr);
        return EXIT_USAGE;
    }
    struct sector_code code;
    sector_code_read(&code, argv[1], argv[2]);
    const struct sector_network *network = sector_network_read(argv[3]);
    const struct sector_image stream = put_stream(network, &code);
    struct sector_image image = sector_image_begin(&code, record_image_bytes(&code, stream.size / sizeof(int16_t)));
    for (int number = 1; number <= VOCABULARY; number++) {
        image.at = record_token_offset(&code, number);
        put_token(&image, network, record_token(number), stream.bytes);
    }
    for (size_t i = RECORD_FIRST; i < stream.size / sizeof(int16_t); i++) {
        memcpy(image.bytes + record_offset(&code, i), stream.bytes + i * sizeof(int16_t), sizeof(int16_t));
    }
    sector_image_write(&image, argv[4]);
    return EXIT_SUCCESS;
}
