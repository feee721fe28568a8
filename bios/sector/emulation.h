/*
 * What story.c and record.c share: the numbers of an FPU and of memory, and the command line's modes that are about
 * tokens and logits. long double is the FPU's format, so every number is the machine's.
 */
#ifndef BOOTLLAMA_SECTOR_EMULATION_H
#define BOOTLLAMA_SECTOR_EMULATION_H

#include <stddef.h>
#include <stdint.h>

#include "sector_code.h"

#define SHAPE(name, value) name = value,
enum {
#include "shape.def"
};
#undef SHAPE

enum { POSITIONS = 256 };

/* FISTP: the nearest integer, or -32768 where it does not fit. */
int16_t store(long double value);

/* The product of two vectors, exact; advances *matrix behind its row. */
int64_t dot(const int16_t *vector, const int16_t **matrix, int n);

/* (1 + t)^(2^squarings) */
long double expo(long double t, int squarings);

/* Key and value of each group, at `key` and at 1 - key. */
typedef int16_t cache_row[GROUPS][2][HEAD];

/* Replaces a query by what its head finds in rows 0 to `position` of a layer's cache. exp of a score is
   expo(product * scale, squarings). */
void attend(int16_t query[HEAD], const cache_row *past, int key, int group, int position, long double scale,
            int squarings);

/* The whole image, which must have so many bytes; never freed. Dies if it cannot be read. */
const uint8_t *read_image(const char *path, size_t size);

/* Each line of ids on standard input is a text from its BOS on. For each token, forward(id, position, logits) is
   called; its logits [VOCABULARY] go to standard output as f32. */
void print_logits(void (*forward)(int id, int position, float *logits));

#endif
