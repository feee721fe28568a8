/*
 * Rotary position embedding (Su et al. 2021, "RoFormer") in the adjacent-pair form of llama2.c and ggml's "llama":
 * elements 2i and 2i + 1 of a head turn by position * base^(-2i / rope_size).
 *
 * Angles are kept as fractions of a turn in 64-bit fixed point: position * frequency wraps by itself, is exact at any
 * position and the same on every machine, with no float range reduction.
 */
#ifndef BOOTLLAMA_ROPE_H
#define BOOTLLAMA_ROPE_H

#include "gguf/gguf.h"

/*
 * Returns where element `element` of a row of heads goes, so that RoPE turns neighbours: rows of query and key matrices
 * of an architecture with rope_halves are loaded in this order, which leaves every score as it is.
 */
uint32_t rope_place(const struct gguf *gguf, uint32_t element);

/* Fills frequency[rope_size / 2] with turns a position, 2^-64 turns a unit. base: finite, > 1. */
void rope_frequencies(uint64_t *frequency, uint32_t rope_size, float base);

/* Returns frequency / factor, rounded down and then wrapped to a turn: at most 2^-64 turns too little for a factor of 1
   or more, 2^-54 for the smallest. factor: finite, >= GGUF_ROPE_FACTOR_MIN. */
uint64_t rope_divide(uint64_t frequency, float factor);

/*
 * Stretches frequency[rope_size / 2] of rope_frequencies as gguf->rope_factor, rope_yarn and so on say and llama.cpp
 * does (ggml_rope_ext). Linear: all turn rope_factor times slower. YaRN (Peng et al. 2023): a pair that makes
 * 32 turns or more in rope_original positions stays, one that makes a single turn or less is stretched, and those
 * between are mixed by their number; both ends are rounded outwards to whole pairs. Within 2^-62 turns, 2^-54 where the
 * factor is below 1.
 */
void rope_stretch(uint64_t *frequency, const struct gguf *gguf);

/* Returns what cosines and sines are multiplied by: rope_attn_factor, with YaRN times 1 + ln(rope_factor) / 10, within
   2e-7 of that. */
float rope_magnitude(const struct gguf *gguf);

/*
 * The rotation at a position as kernel->rotate takes it, for a row of heads: cosine, sine [n], head after head of
 * head_size elements, where x[j] becomes x[j] * cosine[j] + (the other one of its pair) * sine[j]. Elements of a head
 * from 2 * pairs on stay; the others' cosines and sines are multiplied by `magnitude`. Absolute error below 2e-7 times
 * that.
 */
void rope_angles(float *cosine, float *sine, uint32_t n, const uint64_t *frequency, uint32_t pairs, uint32_t head_size,
                 float magnitude, uint32_t position);

#endif
