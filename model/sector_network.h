/*
 * A network of the one shape that fits a boot sector, for the two converters of bios/sector/: weights of norms are
 * multiplied into the matrices behind them, texts are as the screen gets them. A file of another shape makes the
 * program die() with its name.
 */
#ifndef BOOTLLAMA_SECTOR_NETWORK_H
#define BOOTLLAMA_SECTOR_NETWORK_H

#include <stddef.h>
#include <stdint.h>

#define SHAPE(name, value) name = value,
enum {
#include "bios/sector/shape.def"
};
#undef SHAPE

enum { HEADS = DIM / HEAD, KV = GROUPS * HEAD, SECTOR_TEXT_MAX = 63 };

struct sector_layer { /* q, k, v, gate and up have the weights of the norm before them in them */
    double q[DIM * DIM], k[KV * DIM], v[KV * DIM], o[DIM * DIM];
    double gate[HIDDEN * DIM], up[HIDDEN * DIM], down[DIM * HIDDEN];
};

struct sector_network {
    struct sector_layer layer[LAYERS];
    double embedding[VOCABULARY * DIM], output[VOCABULARY * DIM]; /* `output` has the last norm's weights in it */
    struct {
        char bytes[SECTOR_TEXT_MAX + 1]; /* ASCII: a new line for BOS, CR LF for a line's end, '?' for what is none */
        size_t length;
    } text[VOCABULARY]; /* by the ids of the file */
};

/* Reads the file into memory that is never freed. */
const struct sector_network *sector_network_read(const char *path);

/* The scale of a fixed-point number with so many bits behind the point, 0 to 15; 0 where the word is no such number. */
double sector_scale(const char *bits);

/* The largest size of an element. */
double sector_largest(const double *matrix, size_t count);

#endif
