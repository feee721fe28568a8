/*
 * Lays a network of stories260K's shape out for the boot sector of bios/sector/: gguf-to-sector SECTOR.bin SECTOR.map
 * MODEL.gguf IMAGE RESIDUAL_BITS UNIT_BITS. The image is the sector and behind it the weights as int16, in the order
 * in which it reads them.
 *
 * Nothing is computed here but products of weights with constants: weights of norms, the root of 64 and of 8, and
 * the scales of fixed-point numbers. Rows and columns change places, none is changed for what it makes the model say.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "sector_code.h"
#include "sector_image.h"
#include "sector_network.h"
#include "tool.h"

enum { TOKEN_BYTES = 256, SQUARINGS = 18 };

/* Fixed point: an activation a is kept as round(a * 2^bits) in 16 bits. How large a network's residual stream and its
   feed-forward units become cannot be read off its weights, so the command line says it. */
static double scale_x, scale_h;
static double scale_v; /* of values: attention's output matrix gets what is left of the product with it */

struct scales { /* int16 weight / weight, where the norm's division by |X| has its factor of sqrt(64) in it */
    double query, key, value, gate, up, attention_output, down, output;
};

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

/* For each group the rows of its value, key and two queries; then the output matrix with its columns where they go. */
static void put_attention(struct sector_image *image, const struct sector_layer *l, const struct scales *s)
{
    const size_t head = HEAD * DIM;
    for (size_t group = 0; group < GROUPS; group++) {
        sector_put_row(image, l->v + group * head, head, s->value, "attn_v");
        sector_put_row(image, l->k + group * head, head, s->key, "attn_k");
        sector_put_row(image, l->q + group * 2 * head, 2 * head, s->query, "attn_q");
    }
    sector_put_attention_output(image, l, s->attention_output);
}

static void put_tokens(struct sector_image *image, const struct sector_network *network, const struct sector_code *code)
{
    const struct scales scales = find_scales(code);
    for (int number = VOCABULARY - 1; number >= 0; number--) {
        sector_put_row(image, network->output + sector_token(number) * DIM, DIM, scales.output, "output_norm");
    }
    for (int number = 0; number < VOCABULARY; number++) {
        const int id = sector_token(number);
        const size_t length = network->text[id].length;
        image->at = sector_file_offset(code, sector_symbol(code, "TOKENS")) + (size_t)number * TOKEN_BYTES;
        sector_put_row(image, network->embedding + id * DIM, DIM, scale_x, "token_embd");
        for (size_t i = 0; i < length; i++) { /* shifted left by one; bit 0 says that another character follows */
            image->bytes[image->at + i] = (uint8_t)((uint8_t)network->text[id].bytes[i] << 1 | (i + 1 < length));
        }
    }
}

int main(int argc, char **argv)
{
    if (argc != 7 || (scale_x = sector_scale(argv[5])) == 0 || (scale_h = sector_scale(argv[6])) == 0) {
        fputs("Usage: gguf-to-sector SECTOR.bin SECTOR.map MODEL.gguf IMAGE RESIDUAL_BITS UNIT_BITS\n"
              "The bits, 0 to 15, are those behind the binary point of the residual stream and of feed-forward units.\n"
              "Exit codes: 0 done, 1 a file cannot be read, used or written, 2 wrong usage.\n",
              stderr);
        return EXIT_USAGE;
    }
    scale_v = sqrt(8192 * scale_x);
    struct sector_code code;
    sector_code_read(&code, argv[1], argv[2]);
    const struct sector_network *network = sector_network_read(argv[3]);
    struct sector_image image = sector_image_begin(&code, sector_image_bytes(&code));
    const struct scales scales = find_scales(&code);
    for (int layer = 0; layer < LAYERS; layer++) {
        put_attention(&image, &network->layer[layer], &scales);
        sector_put_feed_forward(&image, &network->layer[layer], scales.gate, scales.up, scales.down);
    }
    put_tokens(&image, network, &code);
    sector_image_write(&image, argv[4]);
    return EXIT_SUCCESS;
}
