#include "sector_image.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sector_code.h"
#include "tool.h"

struct sector_image sector_image_begin(const struct sector_code *code, size_t size)
{
    struct sector_image image = {.bytes = allocate(size), .size = size, .at = SECTOR_BYTES};
    memcpy(image.bytes, code->bytes, SECTOR_BYTES);
    return image;
}

void sector_put(struct sector_image *image, double weight, const char *what)
{
    const long number = lrint(weight);
    if (number < INT16_MIN || number > INT16_MAX) {
        die("a weight of %s is too large for 16 bits: %ld", what, number);
    }
    image->bytes[image->at++] = (uint8_t)number;
    image->bytes[image->at++] = (uint8_t)(number >> 8);
}

void sector_put_row(struct sector_image *image, const double *row, size_t count, double scale, const char *what)
{
    for (size_t i = 0; i < count; i++) {
        sector_put(image, row[i] * scale, what);
    }
}

void sector_put_attention_output(struct sector_image *image, const struct sector_layer *layer, double scale)
{
    for (size_t row = 0; row < DIM; row++) {
        for (size_t col = 0; col < HIDDEN; col++) {
            const size_t group = col / (4 * HEAD), slot = col % (4 * HEAD); /* key and value, query, query */
            const int used = group < GROUPS && slot >= 2 * HEAD;
            const size_t from = group * 2 * HEAD + slot % (2 * HEAD);
            sector_put(image, used ? layer->o[row * DIM + from] * scale : 0, "attn_output");
        }
    }
}

void sector_put_feed_forward(struct sector_image *image, const struct sector_layer *layer, double gate, double up,
                             double down)
{
    for (size_t unit = 0; unit < HIDDEN; unit++) {
        sector_put_row(image, layer->gate + unit * DIM, DIM, gate, "ffn_gate");
        sector_put_row(image, layer->up + unit * DIM, DIM, up, "ffn_up");
    }
    sector_put_row(image, layer->down, DIM * HIDDEN, down, "ffn_down");
}

void sector_image_write(const struct sector_image *image, const char *path)
{
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(image->bytes, 1, image->size, file) != image->size || fclose(file) != 0) {
        die("%s: %s", path, strerror(errno));
    }
}
