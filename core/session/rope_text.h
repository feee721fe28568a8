/* How a model knows positions, in a line for people. */
#ifndef BOOTLLAMA_ROPE_TEXT_H
#define BOOTLLAMA_ROPE_TEXT_H

#include "gguf/gguf.h"

enum { ROPE_TEXT_MAX = 200 }; /* bytes, NUL included */

/* Writes for example "64 of 64 dimensions, base 500000, YaRN scaling by 4 from 8192 positions, rope_freqs". */
void rope_text(char out[ROPE_TEXT_MAX], const struct gguf *gguf);

#endif
