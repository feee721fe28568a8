/*
 * Rotary position embedding (Su et al. 2021, "RoFormer") in the adjacent-pair form of llama2.c and ggml's "llama":
 * elements 2i and 2i + 1 of a head turn by position * base^(-2i / rope_size).
 *
 * Angles are kept as fractions of a turn in 64-bit fixed point: position * frequency wraps by itself, is exact at any
 * position and the same on every machine, with no float range reduction.
 */
#ifndef BOOTLLAMA_ROPE_H
#define BOOTLLAMA_ROPE_H

#include <stdint.h>

/* Fills frequency[rope_size / 2] with turns a position, 2^-64 turns a unit. base: finite, > 1. */
void rope_frequencies(uint64_t *frequency, uint32_t rope_size, float base);

/* The least that rope_divide takes for a factor. */
#define ROPE_FACTOR_SMALLEST 0x1p-10f

/* Returns frequency / factor, rounded down and then wrapped to a turn: at most 2^-64 turns too little for a factor of 1
   or more, 2^-54 for the smallest. factor: finite, >= ROPE_FACTOR_SMALLEST. */
uint64_t rope_divide(uint64_t frequency, float factor);

/*
 * The rotation at a position as kernel->rotate takes it, for a row of heads: cosine, sine [n], head after head of
 * head_size elements, where x[j] becomes x[j] * cosine[j] + (the other one of its pair) * sine[j]. Elements of a head
 * from 2 * pairs on stay. Absolute error below 2e-7.
 */
void rope_angles(float *cosine, float *sine, uint32_t n, const uint64_t *frequency, uint32_t pairs, uint32_t head_size,
                 uint32_t position);

#endif
