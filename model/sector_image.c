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

void sector_image_write(const struct sector_image *image, const char *path)
{
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(image->bytes, 1, image->size, file) != image->size || fclose(file) != 0) {
        die("%s: %s", path, strerror(errno));
    }
}
