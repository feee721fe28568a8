/* A small valid GGUF file, and any way to spoil it. */
#ifndef BOOTLLAMA_TEST_SAMPLE_MODEL_H
#define BOOTLLAMA_TEST_SAMPLE_MODEL_H

#include <stddef.h>
#include <stdint.h>

enum sample_type { U8, I8, U16, I16, U32, I32, F32, BOOL, STRING, ARRAY, U64, I64, F64 }; /* ggml's numbers */

/* One change to the sample. Fields without a meaning are 0. */
enum change_kind {
    NO_CHANGE,
    ARCHITECTURE,   /* text: of that architecture, its own tensors at the end; before changes to its keys and tensors */
    KEY_REMOVE,     /* name */
    KEY_NUMBER,     /* name, a = type, b = value's bits: changes the key or adds it at the end */
    KEY_TEXT,       /* name, text */
    KEY_TWICE,      /* name: once more at the end */
    KEY_ARRAY,      /* name, a = type of the elements, b = count as stated, text = hex bytes of the elements */
    KEY_RAW,        /* name, a = type, text = hex bytes of the value */
    KEY_COUNT,      /* b = number of keys as stated */
    KEYS_REVERSED,  /* last key first */
    TENSOR_REMOVE,  /* name */
    TENSOR_RENAME,  /* name, text */
    TENSOR_TWICE,   /* name */
    TENSOR_SHAPE,   /* name, a = contiguous dimension, b = the other one */
    TENSOR_RANK,    /* name, a = number of dimensions as stated */
    TENSOR_TYPE,    /* name, a = type */
    TENSOR_OFFSET,  /* name, b = offset */
    TENSOR_COUNT,   /* b = number of tensors as stated */
    VERSION,        /* a = version */
    MAGIC,          /* text of four bytes */
    CUT,            /* b = bytes of the file that are left; more than it has = that many zeros appended */
    CUT_DATA,       /* b = bytes that are cut off at the end */
};

struct change {
    enum change_kind kind;
    const char *name;
    uint64_t a, b;
    const char *text;
};

enum { SAMPLE_CHANGES = 10 };

/*
 * The sample: dim 32, hidden 64, 2 layers, 4 heads, 2 KV heads, context 16, the 12 tokens of sample_pieces, every
 * tensor type, separate output, zeros for weights. Returns it with the changes made, in memory of malloc, *size bytes.
 */
uint8_t *sample_model(const struct change changes[SAMPLE_CHANGES], size_t *size);

/* Part `number`, from 0, of the sample split into `count` parts as llama.cpp's gguf-split does it, then changed: all
   keys are in the first one, and the tensors are spread evenly in their order. */
uint8_t *sample_part(const struct change changes[SAMPLE_CHANGES], uint32_t number, uint32_t count, size_t *size);

enum { SAMPLE_TENSORS = 21 };

extern const char *const sample_pieces[12];

#endif
