/*
 * The alphabet of byte-level BPE: each byte is written as a letter: itself if it is a visible character of Latin-1,
 * else one from U+0100 on. Source: bytes_to_unicode of GPT-2's encoder.py.
 */
#ifndef BOOTLLAMA_ALPHABET_H
#define BOOTLLAMA_ALPHABET_H

#include <stddef.h>
#include <stdint.h>

#define ALPHABET_FOREIGN SIZE_MAX

/* Turns letters[0..n), UTF-8, into the bytes that they stand for, at most n, and returns their number; or
   ALPHABET_FOREIGN, with `out` unchanged, if one is not in the alphabet. `out` may be `letters` or lie before it. */
size_t alphabet_decode(const uint8_t *letters, size_t n, uint8_t *out);

#endif
