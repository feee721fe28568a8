/*
 * The blocks in which a GGUF file stores the elements of a row: their sizes and their values.
 *
 * Source of every layout and formula: ggml, src/ggml-common.h (block_q4_0 and so on) and src/ggml-quants.c
 * (dequantize_row_q4_0 and so on). The floats here equal that code's bit for bit.
 */
#ifndef BOOTLLAMA_BLOCKS_H
#define BOOTLLAMA_BLOCKS_H

#include "base/narrow.h"
#include "base/q8_0.h"
#include <stdbool.h>

enum { BLOCKS_ELEMENTS_MAX = 256 }; /* of one block */

/* Elements of a block of that type (enum gguf_type), 1 for floats; 0 for an unsupported type. */
uint32_t blocks_elements(uint32_t type);

/* Bytes of a block of a supported type. */
uint32_t blocks_bytes(uint32_t type);

/* Decodes whole blocks of a supported type, `count` elements in total, from bytes of any alignment to out [count]. */
void blocks_decode(float *out, const uint8_t *bytes, uint32_t type, uint32_t count);

/* Whether blocks_to_q8_0 keeps the values of that type, of MXFP4 where f16 can hold the scales. */
bool blocks_are_kept(uint32_t type);

/*
 * Converts `count` elements in whole blocks, of a type that blocks_narrow_kind does not keep, to Q8_0, into out [count
 * / 32 rounded up], with zeros after the last element. Blocks of 32 integers with one scale (Q5_0, Q8_0, IQ4_NL, MXFP4
 * if f16 can hold the scale) keep their values; floats are quantized by the rule of q8_0.h; others get a scale that
 * keeps the distances of their numbers, as far as one scale can. A scale is not finite if a value is not finite or too
 * large.
 */
void blocks_to_q8_0(struct q8_0_block *out, const uint8_t *bytes, uint32_t type, uint32_t count);

/*
 * The scales by which blocks_to_q8_0 quantizes blocks of a type that it does not keep: x [count] is what blocks_decode
 * makes of them, scale [count / 32]. Returns false for types of floats, which the rule of q8_0.h alone gives a scale.
 */
bool blocks_scales(float *scale, const float *x, const uint8_t *bytes, uint32_t type, uint32_t count);

/* As which kind of blocks narrower than a byte a type is kept in matrices; NARROW_NONE for other types. */
enum narrow_kind blocks_narrow_kind(uint32_t type);

/* Takes `count` elements in whole blocks of such a type to out [count / 32]: the same values. */
void blocks_to_narrow(struct narrow_block *out, const uint8_t *bytes, uint32_t type, uint32_t count);

#endif
