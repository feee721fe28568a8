/* An image of bios/sector/ as it is written: 16-bit numbers one after the other. */
#ifndef BOOTLLAMA_SECTOR_IMAGE_H
#define BOOTLLAMA_SECTOR_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "sector_network.h"

struct sector_image {
    uint8_t *bytes;  /* [size]; never freed */
    size_t size, at; /* `at`: where the next number goes */
};

/* An image of zeros with the sector at its start. */
struct sector_code;
struct sector_image sector_image_begin(const struct sector_code *code, size_t size);

/* Puts the nearest integer; dies if it does not fit 16 bits, and says that it is a weight of `what`. */
void sector_put(struct sector_image *image, double weight, const char *what);

/* Puts `count` numbers, each multiplied with `scale`. */
void sector_put_row(struct sector_image *image, const double *row, size_t count, double scale, const char *what);

/* Puts the output matrix of attention, [DIM][HIDDEN]: in each group the columns of its queries stand where the queries
   do, behind its key and value, whose columns are zeros, as are those that pad a row. */
void sector_put_attention_output(struct sector_image *image, const struct sector_layer *layer, double scale);

/* Puts a row of gate and one of up, [DIM], for each unit, then down, [DIM][HIDDEN]; each with its scale. */
void sector_put_feed_forward(struct sector_image *image, const struct sector_layer *layer, double gate, double up,
                             double down);

/* Writes the image to a file; dies if that cannot be. */
void sector_image_write(const struct sector_image *image, const char *path);

#endif
