/* A valid GGUF file of a shape and weights that a fuzzer chooses: sizes beside every multiple, all types of tensors. */
#ifndef BOOTLLAMA_TEST_ODD_MODEL_H
#define BOOTLLAMA_TEST_ODD_MODEL_H

#include "choices.h"

enum { ODD_MODEL_MAX = 4 << 20, ODD_CONTEXT_MAX = 700 };

/* Returns it in memory of malloc, *size bytes. Its tokenizer is of SentencePiece's kind. */
uint8_t *odd_model(struct choices *choices, size_t *size);

#endif
