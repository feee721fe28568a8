/*
 * The architectures that are supported, a row each. All are Llama's (Touvron et al. 2023) but for what their row says;
 * other code asks for a property, never for a name.
 *
 * Source of names and differences: llama.cpp, src/llama-arch.cpp and src/models/NAME.cpp.
 */
#ifndef BOOTLLAMA_ARCHITECTURE_H
#define BOOTLLAMA_ARCHITECTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gguf_architecture {
    char name[8];          /* general.architecture, and what its keys begin with */
    bool rope_halves;      /* RoPE turns elements i and i + rope_size / 2 of a head ("NEOX"), not 2i and 2i + 1 */
    bool rope_freqs;       /* the file may have rope_freqs.weight */
    bool biases;           /* queries, keys and values have biases; otherwise they may */
    bool head_norms;       /* RMSNorm of each head's query and key, before RoPE */
    bool post_norms;       /* RMSNorm of the results of attention and feed-forward, before they are added */
    bool gelu;             /* the gate is GELU in its tanh form, not SiLU */
    bool scaled_embedding; /* embeddings are multiplied by the square root of their length */
    /* Attention in a sliding window, where the file names one: the last of so many layers has none; 0 = no windows. */
    uint8_t window_period;
    /* A model of so many layers divides scores by the root of dim / heads, not of the head size; 0 = none does. */
    uint8_t wide_layers;
};

/* Returns the architecture of that name, or NULL if it is not supported. */
const struct gguf_architecture *gguf_find_architecture(const char *name);

/* Writes the names of all for a message: "a", "b" and "c". */
void gguf_list_architectures(char *out, size_t size);

#endif
