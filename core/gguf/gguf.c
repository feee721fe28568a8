/* The names of tensors, tensor types and file types (gguf.h). */
#include "gguf/gguf.h"

#include "base/format.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/text.h"

static const char model_names[GGUF_TENSOR_LAYERS][20] = {
    [GGUF_TENSOR_TOKEN_EMBD] = "token_embd.weight",
    [GGUF_TENSOR_OUTPUT_NORM] = "output_norm.weight",
    [GGUF_TENSOR_OUTPUT] = "output.weight",
    [GGUF_TENSOR_ROPE_FREQS] = "rope_freqs.weight",
};

static const char layer_names[GGUF_LAYER_TENSORS][27] = {
    /* after "blk.N." */
    [GGUF_LAYER_ATTN_NORM] = "attn_norm.weight",
    [GGUF_LAYER_ATTN_Q] = "attn_q.weight",
    [GGUF_LAYER_ATTN_K] = "attn_k.weight",
    [GGUF_LAYER_ATTN_V] = "attn_v.weight",
    [GGUF_LAYER_ATTN_OUTPUT] = "attn_output.weight",
    [GGUF_LAYER_FFN_NORM] = "ffn_norm.weight",
    [GGUF_LAYER_FFN_GATE] = "ffn_gate.weight",
    [GGUF_LAYER_FFN_DOWN] = "ffn_down.weight",
    [GGUF_LAYER_FFN_UP] = "ffn_up.weight",
    [GGUF_LAYER_ATTN_Q_BIAS] = "attn_q.bias",
    [GGUF_LAYER_ATTN_K_BIAS] = "attn_k.bias",
    [GGUF_LAYER_ATTN_V_BIAS] = "attn_v.bias",
    [GGUF_LAYER_ATTN_Q_NORM] = "attn_q_norm.weight",
    [GGUF_LAYER_ATTN_K_NORM] = "attn_k_norm.weight",
    [GGUF_LAYER_ATTN_POST_NORM] = "post_attention_norm.weight",
    [GGUF_LAYER_FFN_POST_NORM] = "post_ffw_norm.weight",
};

/* ggml's names by number (ggml.h, enum ggml_type); empty numbers were withdrawn. */
static const char type_names[][8] = {
    "F32",   "F16",    "Q4_0",  "Q4_1", "",     "",        "Q5_0",   "Q5_1",    "Q8_0",  "Q8_1",   "Q2_K",
    "Q3_K",  "Q4_K",   "Q5_K",  "Q6_K", "Q8_K", "IQ2_XXS", "IQ2_XS", "IQ3_XXS", "IQ1_S", "IQ4_NL", "IQ3_S",
    "IQ2_S", "IQ4_XS", "I8",    "I16",  "I32",  "I64",     "F64",    "IQ1_M",   "BF16",  "",       "",
    "",      "TQ1_0",  "TQ2_0", "",     "",     "",        "MXFP4",  "NVFP4",   "Q1_0",  "Q2_0",
};

/* By llama.cpp's enum llama_ftype (llama.h); empty numbers were withdrawn. */
static const char kind_names[][10] = {
    "F32",    "F16",     "Q4_0",   "Q4_1",   "",       "",       "",       "Q8_0",  "Q5_0",    "Q5_1",   "Q2_K",
    "Q3_K_S", "Q3_K_M",  "Q3_K_L", "Q4_K_S", "Q4_K_M", "Q5_K_S", "Q5_K_M", "Q6_K",  "IQ2_XXS", "IQ2_XS", "Q2_K_S",
    "IQ3_XS", "IQ3_XXS", "IQ1_S",  "IQ4_NL", "IQ3_S",  "IQ3_M",  "IQ2_S",  "IQ2_M", "IQ4_XS",  "IQ1_M",  "BF16",
    "",       "",        "",       "TQ1_0",  "TQ2_0",  "MXFP4",  "NVFP4",  "Q1_0",  "Q2_0",
};

/* The file type of files that are mostly of one type (llama_model_loader); of MXFP4 it knows none and takes F32. */
static const uint8_t kind_of_type[] = {
    [GGUF_TYPE_F32] = 0,     [GGUF_TYPE_F16] = 1,     [GGUF_TYPE_Q4_0] = 2,  [GGUF_TYPE_Q4_1] = 3,
    [GGUF_TYPE_Q5_0] = 8,    [GGUF_TYPE_Q5_1] = 9,    [GGUF_TYPE_Q8_0] = 7,  [GGUF_TYPE_Q2_K] = 10,
    [GGUF_TYPE_Q3_K] = 12,   [GGUF_TYPE_Q4_K] = 15,   [GGUF_TYPE_Q5_K] = 17, [GGUF_TYPE_Q6_K] = 18,
    [GGUF_TYPE_IQ4_NL] = 25, [GGUF_TYPE_IQ4_XS] = 30, [GGUF_TYPE_BF16] = 32, [GGUF_TYPE_MXFP4] = 0,
};

const char *gguf_type_name(uint32_t type)
{
    return type < sizeof type_names / sizeof type_names[0] ? type_names[type] : "";
}

const char *gguf_kind_name(uint32_t file_type)
{
    const uint32_t kind = file_type & ~(uint32_t)GGUF_KIND_GUESSED;
    return kind < sizeof kind_names / sizeof kind_names[0] ? kind_names[kind] : "";
}

void gguf_tensor_name(char *out, size_t size, uint32_t id)
{
    uint32_t in_layers = id - GGUF_TENSOR_LAYERS;
    if (id < GGUF_TENSOR_LAYERS) {
        format(out, size, "%s", model_names[id]);
    } else {
        format(out, size, "blk.%u.%s", in_layers / GGUF_LAYER_TENSORS, layer_names[in_layers % GGUF_LAYER_TENSORS]);
    }
}

/* The text after `prefix`, or "" if it does not begin with that. */
static const char *after_prefix(const char *text, const char *prefix)
{
    for (; *prefix != '\0'; text++, prefix++) {
        if (*text != *prefix) {
            return "";
        }
    }
    return text;
}

/* Reads "N." of "blk.N.attn_q.weight" into *layer. Returns the text after it, or "" if N is not a layer's number in its
   usual form. */
static const char *read_layer(const char *text, uint32_t layers, uint32_t *layer)
{
    size_t digits = 0;
    uint64_t value = 0;
    while (text[digits] != '.' && text[digits] != '\0') {
        digits++;
    }
    bool good = text[digits] == '.' && number_parse_u64(text, digits, &value) && value < layers;
    *layer = (uint32_t)value;
    return good && (text[0] != '0' || digits == 1) ? text + digits + 1 : "";
}

uint32_t gguf_find_tensor(const struct gguf *gguf, const char *name)
{
    uint32_t layer;
    for (uint32_t id = 0; id < GGUF_TENSOR_LAYERS; id++) {
        if (text_equal(name, model_names[id])) {
            return id;
        }
    }
    const char *rest = read_layer(after_prefix(name, "blk."), gguf->layers, &layer);
    for (uint32_t k = 0; k < GGUF_LAYER_TENSORS; k++) {
        if (text_equal(rest, layer_names[k])) {
            return GGUF_TENSOR_LAYERS + layer * GGUF_LAYER_TENSORS + k;
        }
    }
    return gguf->tensor_count;
}

/* Whether tensor a's name comes before tensor b's, by bytes. */
static bool is_before(uint32_t a, uint32_t b)
{
    char name_a[GGUF_TENSOR_NAME_MAX] = "", name_b[GGUF_TENSOR_NAME_MAX] = "";
    gguf_tensor_name(name_a, sizeof name_a, a);
    gguf_tensor_name(name_b, sizeof name_b, b);
    return memcmp(name_a, name_b, sizeof name_a) < 0;
}

/* The ids from `first` on in the order of their names. */
static void sort_names(uint32_t first, uint32_t count, uint32_t *order)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = i;
        for (; at > 0 && is_before(first + i, order[at - 1]); at--) {
            order[at] = order[at - 1];
        }
        order[at] = first + i;
    }
}

/* Types counted so far; of several the one that had so many first. */
struct census {
    uint32_t count[sizeof kind_of_type], most;
    uint8_t type;
};

static void count_types(const struct gguf *gguf, const uint32_t *order, uint32_t count, uint32_t shift,
                        struct census *census)
{
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t type = gguf->tensor[order[i] + shift].type;
        if (type < sizeof kind_of_type && ++census->count[type] > census->most) {
            census->most = census->count[type];
            census->type = type;
        }
    }
}

/* llama.cpp counts in the order of layers, those without one first, and of names: it matters where two are equal. */
uint32_t gguf_guess_kind(const struct gguf *gguf)
{
    uint32_t of_model[GGUF_TENSOR_LAYERS], of_layer[GGUF_LAYER_TENSORS];
    struct census census = {.type = GGUF_TYPE_F32};
    sort_names(0, GGUF_TENSOR_LAYERS, of_model);
    sort_names(GGUF_TENSOR_LAYERS, GGUF_LAYER_TENSORS, of_layer);
    count_types(gguf, of_model, GGUF_TENSOR_LAYERS, 0, &census);
    for (uint32_t layer = 0; layer < gguf->layers; layer++) {
        count_types(gguf, of_layer, GGUF_LAYER_TENSORS, layer * GGUF_LAYER_TENSORS, &census);
    }
    return kind_of_type[census.type] | GGUF_KIND_GUESSED;
}
