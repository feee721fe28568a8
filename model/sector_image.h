/* An image of bios/sector/ as it is written: 16-bit numbers one after the other. */
#ifndef BOOTLLAMA_SECTOR_IMAGE_H
#define BOOTLLAMA_SECTOR_IMAGE_H

#include <stddef.h>
#include <stdint.h>

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

/* Writes the image to a file; dies if that cannot be. */
void sector_image_write(const struct sector_image *image, const char *path);

#endif
