/* Human-readable figures: sizes, times, shares and bars. */
#ifndef BOOTLLAMA_FIGURE_H
#define BOOTLLAMA_FIGURE_H

#include <stdint.h>

struct figure {
    char text[24];
};

/* For output_say: the space between number and unit is a WRAP_TIE. */
struct figure figure_size(uint64_t bytes);        /* "303 KiB", "1.3 MiB" */
struct figure figure_time(uint64_t microseconds); /* "850 us", "12.3 ms", "1.5 s" */

/* Returns part * scale / whole, without overflow for whole < 2^63; scale <= 1000. 0 / 0 is scale. */
uint32_t figure_share(uint64_t part, uint64_t whole, uint32_t scale);

/* Draws `filled` of `cells` as '#' and the others as `rest`, then a NUL. */
void figure_bar(char *out, uint32_t cells, uint32_t filled, char rest);

#endif
