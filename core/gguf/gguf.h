/*
 * The contents of a GGUF file of a supported architecture: its hyper-parameters and where its parts lie.
 * Format: ggml docs/gguf.md, versions 2 and 3. The file is treated as hostile: 64-bit checked arithmetic,
 * every count bounded by the bytes left, every shape compared with what the hyper-parameters imply.
 */
#ifndef BOOTLLAMA_GGUF_H
#define BOOTLLAMA_GGUF_H

#include "base/error.h"
#include "gguf/architecture.h"
#include "gguf/pre.h"
#include "gguf/reader.h"

/* Types of a key's value; ggml's numbers. */
enum gguf_value_type {
    GGUF_VALUE_U8,
    GGUF_VALUE_I8,
    GGUF_VALUE_U16,
    GGUF_VALUE_I16,
    GGUF_VALUE_U32,
    GGUF_VALUE_I32,
    GGUF_VALUE_F32,
    GGUF_VALUE_BOOL,
    GGUF_VALUE_STRING,
    GGUF_VALUE_ARRAY,
    GGUF_VALUE_U64,
    GGUF_VALUE_I64,
    GGUF_VALUE_F64,
    GGUF_VALUE_TYPES,
};

/* Types of a tensor's elements; ggml's numbers. No other type is accepted. blocks.h describes them. */
enum gguf_type {
    GGUF_TYPE_F32 = 0,
    GGUF_TYPE_F16 = 1,
    GGUF_TYPE_Q4_0 = 2,
    GGUF_TYPE_Q4_1 = 3,
    GGUF_TYPE_Q5_0 = 6,
    GGUF_TYPE_Q5_1 = 7,
    GGUF_TYPE_Q8_0 = 8,
    GGUF_TYPE_Q2_K = 10,
    GGUF_TYPE_Q3_K = 11,
    GGUF_TYPE_Q4_K = 12,
    GGUF_TYPE_Q5_K = 13,
    GGUF_TYPE_Q6_K = 14,
    GGUF_TYPE_IQ4_NL = 20,
    GGUF_TYPE_IQ4_XS = 23,
    GGUF_TYPE_BF16 = 30,
    GGUF_TYPE_MXFP4 = 39,
    GGUF_TYPE_ABSENT = 255,
};

/* Types of a token; the numbers of tokenizer.ggml.token_type. */
enum gguf_token_type {
    GGUF_TOKEN_NORMAL = 1,
    GGUF_TOKEN_UNKNOWN,
    GGUF_TOKEN_CONTROL,
    GGUF_TOKEN_USER,
    GGUF_TOKEN_UNUSED,
    GGUF_TOKEN_BYTE,
};

/* The kind of vocabulary that tokenizer.ggml.model names. */
enum gguf_tokenizer {
    GGUF_TOKENIZER_SENTENCEPIECE, /* "llama": pieces with scores; a space is U+2581 */
    GGUF_TOKENIZER_BPE,           /* "gpt2": pieces of bytes, each byte written as a letter, and ranked merges */
};

enum { GGUF_NO_TOKEN = -1 }; /* in place of a token's id */

/* Besides eos, the tokens that end what a model generates. The last three stand where code is filled in. */
enum gguf_end {
    GGUF_END_TURN,
    GGUF_END_MESSAGE,
    GGUF_END_PADDING,
    GGUF_END_REPOSITORY,
    GGUF_END_FILE,
    GGUF_ENDS,
};

enum {
    GGUF_LAYERS_MAX = 256,
    GGUF_VOCABULARY_MAX = 524288,
    GGUF_PIECE_MAX = 65535,     /* bytes of one token's text */
    GGUF_PIECES_MAX = 64 << 20, /* bytes of all tokens' texts together, and of all merges */
    GGUF_MERGES_MAX = 1 << 20,
    GGUF_MERGE_MAX = 2048,       /* bytes of one merge */
    GGUF_COLUMNS_MAX = 131072,   /* elements of any row: 127 * 127 * this fits an int32 */
    GGUF_HEAD_MAX = 1024,        /* elements of one attention head */
    GGUF_CONTEXT_MAX = 16 << 20, /* positions */
    GGUF_TENSOR_NAME_MAX = 65,   /* bytes, its NUL included */
};

/* The least that the frequency of a pair is divided by. */
#define GGUF_ROPE_FACTOR_MIN 0x1p-10f

/* Tensors by what they do: four of the model, and those of each layer. */
enum gguf_tensor_id {
    GGUF_TENSOR_TOKEN_EMBD,  /* [vocabulary][dim] */
    GGUF_TENSOR_OUTPUT_NORM, /* [dim] */
    GGUF_TENSOR_OUTPUT,      /* [vocabulary][dim]; absent where tied to GGUF_TENSOR_TOKEN_EMBD */
    GGUF_TENSOR_ROPE_FREQS,  /* [rope_size / 2] F32: what the frequency of each pair is divided by; may be absent */
    GGUF_TENSOR_LAYERS,      /* layer l's tensor k is GGUF_TENSOR_LAYERS + l * GGUF_LAYER_TENSORS + k */
};
enum gguf_layer_tensor {
    GGUF_LAYER_ATTN_NORM,   /* [dim] */
    GGUF_LAYER_ATTN_Q,      /* [heads * head_size][dim] */
    GGUF_LAYER_ATTN_K,      /* [kv_heads * head_size][dim] */
    GGUF_LAYER_ATTN_V,      /* [kv_heads * head_size][dim] */
    GGUF_LAYER_ATTN_OUTPUT, /* [dim][heads * head_size] */
    GGUF_LAYER_FFN_NORM,    /* [dim] */
    GGUF_LAYER_FFN_GATE,    /* [hidden][dim] */
    GGUF_LAYER_FFN_DOWN,    /* [dim][hidden] */
    GGUF_LAYER_FFN_UP,      /* [hidden][dim] */
    GGUF_LAYER_LLAMA,       /* their number in a plain llama model; the others depend on the architecture */
    /* blk.N.attn_q.bias and so on, of the matrices' rows: [heads * head_size], [kv_heads * head_size] twice */
    GGUF_LAYER_ATTN_Q_BIAS = GGUF_LAYER_LLAMA,
    GGUF_LAYER_ATTN_K_BIAS,
    GGUF_LAYER_ATTN_V_BIAS,
    GGUF_LAYER_ATTN_Q_NORM,    /* [head_size] */
    GGUF_LAYER_ATTN_K_NORM,    /* [head_size] */
    GGUF_LAYER_ATTN_POST_NORM, /* [dim] post_attention_norm.weight */
    GGUF_LAYER_FFN_POST_NORM,  /* [dim] post_ffw_norm.weight */
    GGUF_LAYER_TENSORS,
};
enum { GGUF_TENSORS_MAX = GGUF_TENSOR_LAYERS + GGUF_LAYERS_MAX * GGUF_LAYER_TENSORS };

struct gguf_tensor {
    uint64_t offset; /* bytes from the start of the file, as reader.h counts; offset + size lies in its part */
    uint64_t size;   /* bytes */
    uint32_t rows;   /* 1 for a vector */
    uint32_t cols;   /* elements of one row, contiguous */
    uint8_t type;    /* enum gguf_type, GGUF_TYPE_ABSENT if the file has none */
    uint8_t part;    /* of a split model, from 0 */
};

struct gguf {
    const struct gguf_architecture *architecture; /* general.architecture; NAME. below stands for what it is called */
    char name[64]; /* general.name, truncated to whole UTF-8 sequences, '?' for control characters; "" if absent */
    char size_label[16]; /* general.size_label, likewise: "260K", "1.1B" */
    uint32_t version;    /* 2 or 3 */
    uint32_t file_type;  /* general.file_type, which quantization was asked for (gguf_kind_name), or as gguf_guess_kind
                           says if absent; UINT32_MAX before that is known */
    uint32_t dim;        /* NAME.embedding_length, 1..GGUF_COLUMNS_MAX */
    uint32_t hidden;     /* NAME.feed_forward_length, 1..GGUF_COLUMNS_MAX */
    uint32_t layers;     /* NAME.block_count, 1..GGUF_LAYERS_MAX */
    uint32_t heads;      /* NAME.attention.head_count, 1..; heads * head_size <= GGUF_COLUMNS_MAX */
    uint32_t kv_heads;   /* NAME.attention.head_count_kv, divides heads; = heads if absent */
    uint32_t head_size;  /* NAME.attention.key_length (= value_length), dim / heads if absent; even */
    uint32_t rope_size;  /* NAME.rope.dimension_count, even, 2..head_size; = head_size if absent */
    uint32_t score_size; /* scores are divided by its square root: head_size, of a wide model dim / heads */
    /* NAME.attention.sliding_window: layers with a window attend to so many positions, up to the current one; at most
       GGUF_CONTEXT_MAX; 0 = no layer has one. The last of so many layers has none (.sliding_window_pattern); 0 = all
       have one. */
    uint32_t window, window_period;
    float rope_window_base; /* NAME.rope.freq_base_swa: rope_base of those layers, 10000 if absent; finite and > 1 */
    uint32_t context;       /* NAME.context_length, 1..GGUF_CONTEXT_MAX positions */
    float rope_base;        /* NAME.rope.freq_base, 10000 if absent; finite and > 1 */
    /* How positions are stretched beyond those of the training: NAME.rope.scaling.*. */
    float rope_factor;      /* so many times, GGUF_ROPE_FACTOR_MIN or more, from 1 on with YaRN; 1: not at all */
    bool rope_yarn;         /* type "yarn": see rope_stretch; false: "linear", or "none" with rope_factor 1 */
    uint32_t rope_original; /* YaRN: positions in training, 1..GGUF_CONTEXT_MAX; = context if absent */
    float rope_attn_factor; /* queries and keys grow by it; 1 if absent, 1/1024 to 1024 */
    float norm_epsilon;     /* NAME.attention.layer_norm_rms_epsilon; finite and > 0 */
    uint64_t parameters;    /* weights in all tensors, a tied matrix once */
    uint64_t bytes;         /* of the file, or of all parts together */
    uint32_t parts;         /* files; 1 if the model is not split */

    uint32_t vocabulary; /* tokens, 1..GGUF_VOCABULARY_MAX */
    enum gguf_tokenizer tokenizer;
    uint64_t pieces_offset; /* of tokenizer.ggml.tokens: `vocabulary` times u64 length, bytes */
    uint64_t pieces_bytes;  /* of all texts together, without their lengths */
    uint64_t scores_offset; /* of tokenizer.ggml.scores: f32[vocabulary]; 0 if absent, which only BPE allows */
    uint64_t types_offset;  /* of tokenizer.ggml.token_type: i32[vocabulary]; 0 if absent */
    /* Of a BPE vocabulary: tokenizer.ggml.pre, llama.cpp's "default" if absent; and of tokenizer.ggml.merges, `merges`
       times u64 length, bytes. */
    struct gguf_pre pre;
    uint32_t merges; /* 1..GGUF_MERGES_MAX, each of at most GGUF_MERGE_MAX bytes */
    uint64_t merges_offset;
    /* tokenizer.ggml.bos_token_id and so on; if the key is absent llama.cpp's 1, 2 and 0, of a BPE vocabulary 11, 11
       and none; GGUF_NO_TOKEN where the key says 4294967295 or the vocabulary is too small */
    int32_t bos, eos, unknown;
    int32_t end[GGUF_ENDS]; /* tokenizer.ggml.eot_token_id and so on, or GGUF_NO_TOKEN */
    /* tokenizer.ggml.add_bos_token, if absent true, of a BPE vocabulary as `pre` says; false where bos is
       GGUF_NO_TOKEN */
    bool add_bos;
    bool add_space_prefix; /* tokenizer.ggml.add_space_prefix, true if absent; false for a BPE vocabulary */

    uint64_t template_offset, template_bytes; /* of tokenizer.chat_template, UTF-8; 0 if absent */

    /* bootllama.tensors.mix32, which llama2c-to-gguf writes: checksum.h over all tensors in the order of their offsets,
       without the gaps between them. Each tensor is padded with zero bytes to whole blocks. */
    bool has_checksum;
    uint32_t checksum;

    uint32_t tensor_count; /* entries of `tensor` in use: GGUF_TENSOR_LAYERS + layers * GGUF_LAYER_TENSORS */
    struct gguf_tensor tensor[GGUF_TENSORS_MAX];
};

/* Writes the name that tensor number `id` has in the file: "blk.3.ffn_up.weight". size >= GGUF_TENSOR_NAME_MAX. */
void gguf_tensor_name(char *out, size_t size, uint32_t id);

/* Returns the name of an element type: "Q4_K"; "" for a number that ggml does not use, or no longer uses. */
const char *gguf_type_name(uint32_t type);

/* Returns the common name of a general.file_type: "Q4_K_M"; "" for an unknown one. */
const char *gguf_kind_name(uint32_t file_type);

/* Returns the kind that llama.cpp guesses from the tensors' types (llama_model_loader), with GGUF_KIND_GUESSED. */
uint32_t gguf_guess_kind(const struct gguf *gguf);

enum { GGUF_KIND_GUESSED = 1024 }; /* in a file type (llama.h): no key said it */

/* Returns the number of the tensor of that name, or gguf->tensor_count if this model has no such tensor. */
uint32_t gguf_find_tensor(const struct gguf *gguf, const char *name);

#endif
