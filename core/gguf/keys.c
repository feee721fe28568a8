/* The keys of a GGUF file are checked as a whole, because they come in any order. */
#include "gguf/keys.h"

#include "base/memory.h"
#include "gguf/key_table.h"
#include "gguf/kind.h"

/* A required number, or `absent` if that is allowed (not 0). */
static int take_number(struct keys *keys, enum key key, uint32_t absent, uint32_t most, uint32_t *value)
{
    *value = keys->seen[key] ? keys->number[key] : absent;
    if (!keys->seen[key] && absent == 0) {
        return gguf_refuse(keys->in, gguf_key_name(keys, key), "is missing");
    }
    if (*value < 1 || *value > most) {
        return gguf_refuse(keys->in, gguf_key_name(keys, key), "is %u; allowed are 1 to %u", *value, most);
    }
    return 0;
}

static int check_attention(struct keys *keys)
{
    struct gguf_input *in = keys->in;
    struct gguf *gguf = in->gguf;
    uint32_t value_length;
    if (take_number(keys, KEY_HEADS, 0, GGUF_COLUMNS_MAX, &gguf->heads) != 0 ||
        take_number(keys, KEY_KV_HEADS, gguf->heads, gguf->heads, &gguf->kv_heads) != 0) {
        return -1;
    }
    if (gguf->heads % gguf->kv_heads != 0) {
        return gguf_refuse(in, gguf_key_name(keys, KEY_KV_HEADS), "is %u, which does not divide the %u heads",
                           gguf->kv_heads, gguf->heads);
    }
    if (!keys->seen[KEY_KEY_LENGTH] && gguf->dim % gguf->heads != 0) {
        return gguf_refuse(in, gguf_key_name(keys, KEY_HEADS), "is %u, which does not divide the embedding length %u",
                           gguf->heads, gguf->dim);
    }
    uint32_t head_size = gguf->dim / gguf->heads;
    uint32_t longest = GGUF_COLUMNS_MAX / gguf->heads;
    if (take_number(keys, KEY_KEY_LENGTH, head_size, longest, &gguf->head_size) != 0 ||
        take_number(keys, KEY_VALUE_LENGTH, keys->seen[KEY_KEY_LENGTH] ? gguf->head_size : head_size, longest,
                    &value_length) != 0) {
        return -1;
    }
    if (value_length != gguf->head_size) {
        return gguf_refuse(in, gguf_key_name(keys, KEY_VALUE_LENGTH), "is %u; it must equal the key length %u",
                           value_length, gguf->head_size);
    }
    if (gguf->head_size % 2 != 0 || gguf->head_size > GGUF_HEAD_MAX) {
        return gguf_refuse(in, "head size", "is %u; it must be even and at most %u", gguf->head_size,
                           (uint32_t)GGUF_HEAD_MAX);
    }
    const bool wide = gguf->layers == gguf->architecture->wide_layers;
    gguf->score_size = wide ? gguf->dim / gguf->heads : gguf->head_size;
    if (gguf->score_size == 0) {
        return gguf_refuse(in, gguf_key_name(keys, KEY_HEADS), "is %u, more than the embedding length %u", gguf->heads,
                           gguf->dim);
    }
    if (keys->seen[KEY_CAUSAL] && keys->number[KEY_CAUSAL] == 0) {
        return gguf_refuse(in, gguf_key_name(keys, KEY_CAUSAL),
                           "is false: this model embeds text and cannot write any");
    }
    return 0;
}

/* The window of layers that have one, as llama.cpp takes these keys: a model without the first one has none. */
static int check_window(struct keys *keys)
{
    struct gguf_input *in = keys->in;
    struct gguf *gguf = in->gguf;
    const uint32_t usual_period = gguf->architecture->window_period;
    if (usual_period == 0) {
        return 0;
    }
    gguf->window = keys->number[KEY_WINDOW];
    if (gguf->window > GGUF_CONTEXT_MAX) {
        return gguf_refuse(in, gguf_key_name(keys, KEY_WINDOW), "is %u; allowed are 0 to %u", gguf->window,
                           (uint32_t)GGUF_CONTEXT_MAX);
    }
    gguf->window_period = keys->seen[KEY_WINDOW_PERIOD] ? keys->number[KEY_WINDOW_PERIOD] : usual_period;
    gguf->rope_window_base = keys->seen[KEY_ROPE_WINDOW_BASE] ? keys->real[KEY_ROPE_WINDOW_BASE] : 10000.0f;
    if (!(gguf->rope_window_base > 1.0f)) {
        return gguf_refuse(in, gguf_key_name(keys, KEY_ROPE_WINDOW_BASE), "must be more than 1");
    }
    if (keys->real[KEY_CAPPING] != 0.0f) {
        return gguf_refuse(in, gguf_key_name(keys, KEY_CAPPING), "is not 0; capped logits are not supported");
    }
    return 0;
}

/* As llama.cpp takes these keys: a factor of 0 is 1, and without a type it is linear. */
static int check_scaling(struct keys *keys)
{
    struct gguf *gguf = keys->in->gguf;
    const enum key key = keys->seen[KEY_ROPE_FACTOR] ? KEY_ROPE_FACTOR : KEY_ROPE_LINEAR;
    const bool scales = keys->number[KEY_ROPE_SCALING] != SCALING_NONE && keys->real[key] != 0.0f;
    gguf->rope_yarn = keys->number[KEY_ROPE_SCALING] == SCALING_YARN;
    gguf->rope_factor = scales ? keys->real[key] : 1.0f;
    if (gguf->rope_factor < (gguf->rope_yarn ? 1.0f : GGUF_ROPE_FACTOR_MIN)) {
        return gguf_refuse(keys->in, gguf_key_name(keys, key), "must be %s or more", gguf->rope_yarn ? "1" : "1/1024");
    }
    gguf->rope_attn_factor = keys->seen[KEY_ROPE_ATTENTION] ? keys->real[KEY_ROPE_ATTENTION] : 1.0f;
    if (!(gguf->rope_attn_factor >= 0x1p-10f && gguf->rope_attn_factor <= 0x1p10f)) {
        return gguf_refuse(keys->in, gguf_key_name(keys, KEY_ROPE_ATTENTION), "must be 1/1024 to 1024");
    }
    return take_number(keys, KEY_ROPE_ORIGINAL, gguf->context, GGUF_CONTEXT_MAX, &gguf->rope_original);
}

static int check_rope(struct keys *keys)
{
    struct gguf_input *in = keys->in;
    struct gguf *gguf = in->gguf;
    if (take_number(keys, KEY_ROPE_SIZE, gguf->head_size, gguf->head_size, &gguf->rope_size) != 0) {
        return -1;
    }
    if (gguf->rope_size % 2 != 0) {
        return gguf_refuse(in, gguf_key_name(keys, KEY_ROPE_SIZE), "is %u; it must be even", gguf->rope_size);
    }
    gguf->rope_base = keys->seen[KEY_ROPE_BASE] ? keys->real[KEY_ROPE_BASE] : 10000.0f;
    if (!(gguf->rope_base > 1.0f)) {
        return gguf_refuse(in, gguf_key_name(keys, KEY_ROPE_BASE), "must be more than 1");
    }
    return check_scaling(keys);
}

static int check_shape(struct keys *keys)
{
    struct gguf_input *in = keys->in;
    struct gguf *gguf = in->gguf;
    if (take_number(keys, KEY_LAYERS, 0, GGUF_LAYERS_MAX, &gguf->layers) != 0 ||
        take_number(keys, KEY_DIM, 0, GGUF_COLUMNS_MAX, &gguf->dim) != 0 ||
        take_number(keys, KEY_HIDDEN, 0, GGUF_COLUMNS_MAX, &gguf->hidden) != 0 ||
        take_number(keys, KEY_CONTEXT, 0, GGUF_CONTEXT_MAX, &gguf->context) != 0) {
        return -1;
    }
    if (!keys->seen[KEY_EPSILON]) {
        return gguf_refuse(in, gguf_key_name(keys, KEY_EPSILON), "is missing");
    }
    gguf->norm_epsilon = keys->real[KEY_EPSILON];
    if (!(gguf->norm_epsilon > 0.0f)) {
        return gguf_refuse(in, gguf_key_name(keys, KEY_EPSILON), "must be more than 0");
    }
    if (keys->number[KEY_EXPERTS] > 0) {
        return gguf_refuse(in, gguf_key_name(keys, KEY_EXPERTS), "is %u; a mixture of experts is not supported",
                           keys->number[KEY_EXPERTS]);
    }
    return check_attention(keys) != 0 || check_rope(keys) != 0 ? -1 : check_window(keys);
}

static int check_general(struct keys *keys, struct gguf_split *split)
{
    struct gguf_input *in = keys->in;
    *split = (struct gguf_split){keys->number[KEY_SPLIT_NUMBER], keys->number[KEY_SPLIT_COUNT],
                                 keys->number[KEY_SPLIT_TENSORS], keys->seen[KEY_SPLIT_TENSORS]};
    if (gguf_check_split(in, split) != 0) {
        return -1;
    }
    if (keys->seen[KEY_QUANTIZATION] && keys->number[KEY_QUANTIZATION] != 2) {
        return gguf_refuse(in, gguf_key_name(keys, KEY_QUANTIZATION), "is %u; only 2 is supported",
                           keys->number[KEY_QUANTIZATION]);
    }
    if (gguf_take_alignment(in, keys->seen[KEY_ALIGNMENT] ? keys->number[KEY_ALIGNMENT] : GGUF_ALIGNMENT) != 0) {
        return -1;
    }
    in->gguf->file_type = keys->seen[KEY_FILE_TYPE] ? keys->number[KEY_FILE_TYPE] : UINT32_MAX;
    in->gguf->has_checksum = keys->seen[KEY_CHECKSUM];
    in->gguf->checksum = keys->number[KEY_CHECKSUM];
    return 0;
}

/* A token id: `absent` if the key is missing, as in llama.cpp. */
static int take_token(struct keys *keys, enum key key, uint32_t absent, int32_t *id)
{
    uint32_t vocabulary = keys->in->gguf->vocabulary;
    uint32_t value = keys->seen[key] ? keys->number[key] : absent;
    *id = value < vocabulary ? (int32_t)value : GGUF_NO_TOKEN;
    if (*id == GGUF_NO_TOKEN && keys->seen[key] && value != UINT32_MAX) {
        return gguf_refuse(keys->in, gguf_key_name(keys, key), "is %u; the last token is %u", value, vocabulary - 1);
    }
    return 0;
}

/* Keys that only one kind of vocabulary requires. */
static int check_kind(struct keys *keys)
{
    struct gguf *gguf = keys->in->gguf;
    const bool bpe = gguf->tokenizer == GGUF_TOKENIZER_BPE;
    const enum key needed = bpe ? KEY_TOKEN_MERGES : KEY_TOKEN_SCORES;
    if (!keys->seen[needed]) {
        return gguf_refuse(keys->in, gguf_key_name(keys, needed), "is missing");
    }
    gguf->merges = keys->number[KEY_TOKEN_MERGES];
    return bpe ? gguf_take_pre(keys->in, gguf_key_name(keys, KEY_PRE_TOKENIZER), keys->pre) : 0;
}

static int check_vocabulary(struct keys *keys)
{
    struct gguf_input *in = keys->in;
    struct gguf *gguf = in->gguf;
    for (enum key key = KEY_TOKENIZER; key <= KEY_TOKEN_PIECES; key++) {
        if (!keys->seen[key] && key != KEY_PRE_TOKENIZER) {
            return gguf_refuse(in, gguf_key_name(keys, key), "is missing");
        }
    }
    gguf->vocabulary = keys->number[KEY_TOKEN_PIECES];
    for (enum key key = KEY_TOKEN_SCORES; key <= KEY_TOKEN_TYPES; key++) {
        if (keys->seen[key] && keys->number[key] != gguf->vocabulary) {
            return gguf_refuse(in, gguf_key_name(keys, key), "has %u entries for %u tokens", keys->number[key],
                               gguf->vocabulary);
        }
    }
    if (check_kind(keys) != 0) {
        return -1;
    }
    const bool bpe = gguf->tokenizer == GGUF_TOKENIZER_BPE;
    if (take_token(keys, KEY_BOS,
                   !bpe                                       ? 1
                   : (gguf->pre.flags & GGUF_PRE_NO_BOS) != 0 ? UINT32_MAX
                                                              : 11,
                   &gguf->bos) != 0 ||
        take_token(keys, KEY_EOS, bpe ? 11 : 2, &gguf->eos) != 0 ||
        take_token(keys, KEY_UNKNOWN, bpe ? UINT32_MAX : 0, &gguf->unknown) != 0) {
        return -1;
    }
    for (uint32_t i = 0; i < GGUF_ENDS; i++) {
        if (take_token(keys, KEY_END_TURN + i, UINT32_MAX, &gguf->end[i]) != 0) {
            return -1;
        }
    }
    gguf->add_bos = (keys->seen[KEY_ADD_BOS] ? keys->number[KEY_ADD_BOS] != 0
                                             : !bpe || (gguf->pre.flags & GGUF_PRE_ADD_BOS) != 0) &&
                    gguf->bos != GGUF_NO_TOKEN;
    gguf->add_space_prefix = !bpe && (!keys->seen[KEY_ADD_SPACE] || keys->number[KEY_ADD_SPACE] != 0);
    return 0;
}

int gguf_read_keys(struct gguf_input *in, uint64_t count, struct gguf_split *split)
{
    struct keys keys;
    memset(&keys, 0, sizeof keys);
    keys.in = in;
    if (gguf_fill_keys(&keys, count) != 0 || check_general(&keys, split) != 0 || check_shape(&keys) != 0) {
        return -1;
    }
    return check_vocabulary(&keys);
}
