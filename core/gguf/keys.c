/*
 * The key-value pairs of a GGUF file: known keys are read into a table in file order and the rest are skipped; then the
 * table is checked as a whole, because keys come in any order.
 */
#include "gguf/keys.h"

#include "base/memory.h"
#include "base/text.h"
#include "base/utf8.h"
#include "gguf/checksum.h"
#include "gguf/kind.h"

enum kind { NUMBER, REAL, FLAG, NAME, WORD, PIECES, SCORES, TYPES, MERGES, PLACE }; /* of a known key */

enum key {
    ARCHITECTURE,
    MODEL_NAME,
    SIZE_LABEL,
    ALIGNMENT,
    FILE_TYPE,
    QUANTIZATION,
    SPLIT_NUMBER,
    SPLIT_COUNT,
    SPLIT_TENSORS,
    CONTEXT,
    DIM,
    HIDDEN,
    LAYERS,
    HEADS,
    KV_HEADS,
    KEY_LENGTH,
    VALUE_LENGTH,
    EPSILON,
    CAUSAL,
    EXPERTS,
    ROPE_SIZE,
    ROPE_BASE,
    ROPE_SCALING,
    ROPE_FACTOR,
    ROPE_LINEAR,
    ROPE_ORIGINAL,
    ROPE_ATTENTION,
    TOKENIZER,
    PRE_TOKENIZER,
    TOKEN_PIECES,
    TOKEN_SCORES,
    TOKEN_TYPES,
    TOKEN_MERGES,
    BOS,
    EOS,
    UNKNOWN,
    ADD_BOS,
    ADD_SPACE,
    CHAT_TEMPLATE,
    CHECKSUM,
    KEYS,
};

static const struct known_key {
    char name[44];
    uint8_t kind;
    char word[6]; /* WORD: the only supported value */
} known[KEYS] = {
    [ARCHITECTURE] = {"general.architecture", WORD, "llama"},
    [MODEL_NAME] = {"general.name", NAME, ""},
    [SIZE_LABEL] = {"general.size_label", NAME, ""},
    [ALIGNMENT] = {"general.alignment", NUMBER, ""},
    [FILE_TYPE] = {"general.file_type", NUMBER, ""},
    [QUANTIZATION] = {"general.quantization_version", NUMBER, ""},
    [SPLIT_NUMBER] = {"split.no", NUMBER, ""},
    [SPLIT_COUNT] = {"split.count", NUMBER, ""},
    [SPLIT_TENSORS] = {"split.tensors.count", NUMBER, ""},
    [CONTEXT] = {"llama.context_length", NUMBER, ""},
    [DIM] = {"llama.embedding_length", NUMBER, ""},
    [HIDDEN] = {"llama.feed_forward_length", NUMBER, ""},
    [LAYERS] = {"llama.block_count", NUMBER, ""},
    [HEADS] = {"llama.attention.head_count", NUMBER, ""},
    [KV_HEADS] = {"llama.attention.head_count_kv", NUMBER, ""},
    [KEY_LENGTH] = {"llama.attention.key_length", NUMBER, ""},
    [VALUE_LENGTH] = {"llama.attention.value_length", NUMBER, ""},
    [EPSILON] = {"llama.attention.layer_norm_rms_epsilon", REAL, ""},
    [CAUSAL] = {"llama.attention.causal", FLAG, ""},
    [EXPERTS] = {"llama.expert_count", NUMBER, ""},
    [ROPE_SIZE] = {"llama.rope.dimension_count", NUMBER, ""},
    [ROPE_BASE] = {"llama.rope.freq_base", REAL, ""},
    [ROPE_SCALING] = {"llama.rope.scaling.type", NAME, ""},
    [ROPE_FACTOR] = {"llama.rope.scaling.factor", REAL, ""},
    [ROPE_LINEAR] = {"llama.rope.scale_linear", REAL, ""}, /* an old name of the same */
    [ROPE_ORIGINAL] = {"llama.rope.scaling.original_context_length", NUMBER, ""},
    [ROPE_ATTENTION] = {"llama.rope.scaling.attn_factor", REAL, ""},
    [TOKENIZER] = {"tokenizer.ggml.model", NAME, ""},
    [PRE_TOKENIZER] = {"tokenizer.ggml.pre", NAME, ""},
    [TOKEN_PIECES] = {"tokenizer.ggml.tokens", PIECES, ""},
    [TOKEN_SCORES] = {"tokenizer.ggml.scores", SCORES, ""},
    [TOKEN_TYPES] = {"tokenizer.ggml.token_type", TYPES, ""},
    [TOKEN_MERGES] = {"tokenizer.ggml.merges", MERGES, ""},
    [BOS] = {"tokenizer.ggml.bos_token_id", NUMBER, ""},
    [EOS] = {"tokenizer.ggml.eos_token_id", NUMBER, ""},
    [UNKNOWN] = {"tokenizer.ggml.unknown_token_id", NUMBER, ""},
    [ADD_BOS] = {"tokenizer.ggml.add_bos_token", FLAG, ""},
    [ADD_SPACE] = {"tokenizer.ggml.add_space_prefix", FLAG, ""},
    [CHAT_TEMPLATE] = {"tokenizer.chat_template", PLACE, ""},
    [CHECKSUM] = {CHECKSUM_KEY, NUMBER, ""},
};

/* Values of ROPE_SCALING; the first one is llama.cpp's where there is none. */
enum { SCALING_LINEAR, SCALING_NONE, SCALING_YARN, SCALINGS };

struct keys {
    struct gguf_input *in;
    bool seen[KEYS];
    uint32_t number[KEYS]; /* NUMBER, FLAG, ROPE_SCALING; of arrays the count */
    float real[KEYS];      /* REAL */
    char pre[64];          /* PRE_TOKENIZER, truncated if longer */
};

static const char *name_of(enum key key)
{
    return known[key].name;
}

/* ---- Reading ---- */

static int get_real(struct keys *keys, enum key key, uint32_t type)
{
    struct gguf_input *in = keys->in;
    uint32_t bits;
    if (type != GGUF_VALUE_F32) {
        return gguf_refuse(in, name_of(key), "is not a 32-bit float");
    }
    if (gguf_get_u32(in, &bits) != 0) {
        return -1;
    }
    if ((bits & 0x7F800000) == 0x7F800000) {
        return gguf_refuse(in, name_of(key), "is infinite or not a number");
    }
    memcpy(&keys->real[key], &bits, sizeof bits);
    return 0;
}

static int get_flag(struct keys *keys, enum key key, uint32_t type)
{
    struct gguf_input *in = keys->in;
    uint8_t value;
    if (type != GGUF_VALUE_BOOL) {
        return gguf_refuse(in, name_of(key), "is not true or false");
    }
    if (reader_get(in->reader, &value, 1, in->error) != 0) {
        return -1;
    }
    if (value > 1) {
        return gguf_refuse(in, name_of(key), "is %u; true is 1 and false is 0", (uint32_t)value);
    }
    keys->number[key] = value;
    return 0;
}

static int take_scaling(struct keys *keys, const char *text)
{
    static const char names[SCALINGS][8] = {"linear", "none", "yarn"}; /* by their numbers */
    for (uint32_t i = 0; i < SCALINGS; i++) {
        if (text_equal(text, names[i])) {
            keys->number[ROPE_SCALING] = i;
            return 0;
        }
    }
    return gguf_refuse(keys->in, name_of(ROPE_SCALING),
                       "is \"%s\"; only \"none\", \"linear\" and \"yarn\" are supported: choose another model", text);
}

/* A text for the user, a name, or a word with one supported value. */
static int get_text(struct keys *keys, enum key key, uint32_t type)
{
    struct gguf_input *in = keys->in;
    struct gguf *gguf = in->gguf;
    uint8_t bytes[sizeof gguf->name];
    char text[sizeof gguf->name];
    uint64_t length;
    if (type != GGUF_VALUE_STRING) {
        return gguf_refuse(in, name_of(key), "is not a text");
    }
    if (gguf_get_u64(in, &length) != 0) {
        return -1;
    }
    uint32_t kept = length < sizeof bytes ? (uint32_t)length : (uint32_t)sizeof bytes;
    if (reader_get(in->reader, bytes, kept, in->error) != 0 || reader_skip(in->reader, length - kept, in->error) != 0) {
        return -1;
    }
    utf8_printable(text, sizeof text, bytes, kept);
    if (key == MODEL_NAME) {
        memcpy(gguf->name, text, sizeof text);
    } else if (key == SIZE_LABEL) {
        utf8_printable(gguf->size_label, sizeof gguf->size_label, bytes, kept);
    } else if (key == TOKENIZER) {
        return gguf_take_tokenizer(in, name_of(key), text);
    } else if (key == PRE_TOKENIZER) {
        memcpy(keys->pre, text, sizeof text);
    } else if (key == ROPE_SCALING) {
        return take_scaling(keys, text);
    } else if (!text_equal(text, known[key].word)) {
        return gguf_refuse(in, name_of(key),
                           "is \"%s\"; only \"%s\" is supported: choose a model of the Llama architecture", text,
                           known[key].word);
    }
    return 0;
}

/* Skips `count` texts, each of at most `longest` bytes, and adds up their bytes. */
static int skip_texts(struct gguf_input *in, enum key key, uint64_t count, uint32_t longest, uint64_t *bytes)
{
    uint64_t length;
    for (uint64_t i = 0; i < count; i++) {
        if (gguf_get_u64(in, &length) != 0) {
            return -1;
        }
        if (length > longest) {
            return gguf_refuse(in, name_of(key), "has %llu bytes in %s %llu; allowed are %u",
                               (unsigned long long)length, key == TOKEN_PIECES ? "token" : "merge",
                               (unsigned long long)i, longest);
        }
        *bytes += length;
        if (*bytes > GGUF_PIECES_MAX) {
            return gguf_refuse(in, name_of(key), "has more than %u bytes of text", (uint32_t)GGUF_PIECES_MAX);
        }
        if (reader_skip(in->reader, length, in->error) != 0) {
            return -1;
        }
    }
    return 0;
}

/* Records the position of one of the vocabulary's arrays and skips it. */
static int get_vocabulary(struct keys *keys, enum key key, uint32_t type)
{
    struct gguf_input *in = keys->in;
    struct gguf_array array;
    static const uint8_t wanted[KEYS] = {[TOKEN_PIECES] = GGUF_VALUE_STRING,
                                         [TOKEN_SCORES] = GGUF_VALUE_F32,
                                         [TOKEN_TYPES] = GGUF_VALUE_I32,
                                         [TOKEN_MERGES] = GGUF_VALUE_STRING};
    const uint32_t most = key == TOKEN_MERGES ? GGUF_MERGES_MAX : GGUF_VOCABULARY_MAX;
    if (type != GGUF_VALUE_ARRAY) {
        return gguf_refuse(in, name_of(key), "is not an array");
    }
    if (gguf_get_array(in, name_of(key), &array) != 0) {
        return -1;
    }
    if (array.type != wanted[key]) {
        return gguf_refuse(in, name_of(key), "is an array of type %u; it must be of type %u", array.type, wanted[key]);
    }
    if (array.count == 0 || array.count > most) {
        return gguf_refuse(in, name_of(key), "has %llu entries; allowed are 1 to %u", (unsigned long long)array.count,
                           most);
    }
    keys->number[key] = (uint32_t)array.count;
    uint64_t start = in->reader->position;
    if (key == TOKEN_PIECES) {
        in->gguf->pieces_offset = start;
        return skip_texts(in, key, array.count, GGUF_PIECE_MAX, &in->gguf->pieces_bytes);
    }
    if (key == TOKEN_MERGES) {
        in->gguf->merges_offset = start;
        uint64_t bytes = 0;
        return skip_texts(in, key, array.count, GGUF_MERGE_MAX, &bytes);
    }
    *(key == TOKEN_SCORES ? &in->gguf->scores_offset : &in->gguf->types_offset) = start;
    return reader_skip(in->reader, array.count * 4, in->error);
}

/* Records the position of a text and skips it. */
static int get_place(struct keys *keys, enum key key, uint32_t type)
{
    struct gguf_input *in = keys->in;
    struct gguf *gguf = in->gguf;
    if (type != GGUF_VALUE_STRING) {
        return gguf_refuse(in, name_of(key), "is not a text");
    }
    if (gguf_get_u64(in, &gguf->template_bytes) != 0) {
        return -1;
    }
    gguf->template_offset = in->reader->position;
    return reader_skip(in->reader, gguf->template_bytes, in->error);
}

static int get_known(struct keys *keys, enum key key, uint32_t type)
{
    if (keys->seen[key]) {
        return gguf_refuse(keys->in, name_of(key), "appears twice");
    }
    keys->seen[key] = true;
    switch (known[key].kind) {
    case NUMBER:
        return gguf_get_number(keys->in, name_of(key), type, &keys->number[key]);
    case REAL:
        return get_real(keys, key, type);
    case FLAG:
        return get_flag(keys, key, type);
    case NAME:
    case WORD:
        return get_text(keys, key, type);
    case PLACE:
        return get_place(keys, key, type);
    default:
        return get_vocabulary(keys, key, type);
    }
}

static int get_pair(struct keys *keys)
{
    struct gguf_input *in = keys->in;
    struct gguf_name name;
    uint32_t type, key = 0;
    if (gguf_get_name(in, &name, GGUF_KEY_MAX) != 0 || gguf_get_type(in, name.text, &type) != 0) {
        return -1;
    }
    /* A longer key, or one with an odd character, differs from every known key in text or length. */
    while (key < KEYS && !(name.length == text_length(known[key].name) && text_equal(name.text, known[key].name))) {
        key++;
    }
    return key < KEYS ? get_known(keys, key, type) : gguf_skip_value(in, name.text, type);
}

/* ---- Checking ---- */

/* A required number, or `absent` if that is allowed (not 0). */
static int take_number(struct keys *keys, enum key key, uint32_t absent, uint32_t most, uint32_t *value)
{
    *value = keys->seen[key] ? keys->number[key] : absent;
    if (!keys->seen[key] && absent == 0) {
        return gguf_refuse(keys->in, name_of(key), "is missing");
    }
    if (*value < 1 || *value > most) {
        return gguf_refuse(keys->in, name_of(key), "is %u; allowed are 1 to %u", *value, most);
    }
    return 0;
}

static int check_attention(struct keys *keys)
{
    struct gguf_input *in = keys->in;
    struct gguf *gguf = in->gguf;
    uint32_t value_length;
    if (take_number(keys, HEADS, 0, GGUF_COLUMNS_MAX, &gguf->heads) != 0 ||
        take_number(keys, KV_HEADS, gguf->heads, gguf->heads, &gguf->kv_heads) != 0) {
        return -1;
    }
    if (gguf->heads % gguf->kv_heads != 0) {
        return gguf_refuse(in, name_of(KV_HEADS), "is %u, which does not divide the %u heads", gguf->kv_heads,
                           gguf->heads);
    }
    if (!keys->seen[KEY_LENGTH] && gguf->dim % gguf->heads != 0) {
        return gguf_refuse(in, name_of(HEADS), "is %u, which does not divide the embedding length %u", gguf->heads,
                           gguf->dim);
    }
    uint32_t head_size = gguf->dim / gguf->heads;
    uint32_t longest = GGUF_COLUMNS_MAX / gguf->heads;
    if (!keys->seen[KEY_LENGTH] && head_size == 0) {
        return gguf_refuse(in, name_of(HEADS), "is more than %u, the embedding length", gguf->dim);
    }
    if (take_number(keys, KEY_LENGTH, head_size, longest, &gguf->head_size) != 0 ||
        take_number(keys, VALUE_LENGTH, keys->seen[KEY_LENGTH] ? gguf->head_size : head_size, longest, &value_length) !=
            0) {
        return -1;
    }
    if (value_length != gguf->head_size) {
        return gguf_refuse(in, name_of(VALUE_LENGTH), "is %u; it must equal the key length %u", value_length,
                           gguf->head_size);
    }
    if (gguf->head_size % 2 != 0 || gguf->head_size > GGUF_HEAD_MAX) {
        return gguf_refuse(in, "head size", "is %u; it must be even and at most %u", gguf->head_size,
                           (uint32_t)GGUF_HEAD_MAX);
    }
    if (keys->seen[CAUSAL] && keys->number[CAUSAL] == 0) {
        return gguf_refuse(in, name_of(CAUSAL), "is false: this model embeds text and cannot write any");
    }
    return 0;
}

/* As llama.cpp takes these keys: a factor of 0 is 1, and without a type it is linear. */
static int check_scaling(struct keys *keys)
{
    struct gguf *gguf = keys->in->gguf;
    const enum key key = keys->seen[ROPE_FACTOR] ? ROPE_FACTOR : ROPE_LINEAR;
    const bool scales = keys->number[ROPE_SCALING] != SCALING_NONE && keys->real[key] != 0.0f;
    gguf->rope_yarn = keys->number[ROPE_SCALING] == SCALING_YARN;
    gguf->rope_factor = scales ? keys->real[key] : 1.0f;
    if (gguf->rope_factor < (gguf->rope_yarn ? 1.0f : GGUF_ROPE_FACTOR_MIN)) {
        return gguf_refuse(keys->in, name_of(key), "must be %s or more", gguf->rope_yarn ? "1" : "1/1024");
    }
    gguf->rope_attn_factor = keys->seen[ROPE_ATTENTION] ? keys->real[ROPE_ATTENTION] : 1.0f;
    if (!(gguf->rope_attn_factor >= 0x1p-10f && gguf->rope_attn_factor <= 0x1p10f)) {
        return gguf_refuse(keys->in, name_of(ROPE_ATTENTION), "must be 1/1024 to 1024");
    }
    return take_number(keys, ROPE_ORIGINAL, gguf->context, GGUF_CONTEXT_MAX, &gguf->rope_original);
}

static int check_rope(struct keys *keys)
{
    struct gguf_input *in = keys->in;
    struct gguf *gguf = in->gguf;
    if (take_number(keys, ROPE_SIZE, gguf->head_size, gguf->head_size, &gguf->rope_size) != 0) {
        return -1;
    }
    if (gguf->rope_size % 2 != 0) {
        return gguf_refuse(in, name_of(ROPE_SIZE), "is %u; it must be even", gguf->rope_size);
    }
    gguf->rope_base = keys->seen[ROPE_BASE] ? keys->real[ROPE_BASE] : 10000.0f;
    if (!(gguf->rope_base > 1.0f)) {
        return gguf_refuse(in, name_of(ROPE_BASE), "must be more than 1");
    }
    return check_scaling(keys);
}

static int check_shape(struct keys *keys)
{
    struct gguf_input *in = keys->in;
    struct gguf *gguf = in->gguf;
    if (take_number(keys, LAYERS, 0, GGUF_LAYERS_MAX, &gguf->layers) != 0 ||
        take_number(keys, DIM, 0, GGUF_COLUMNS_MAX, &gguf->dim) != 0 ||
        take_number(keys, HIDDEN, 0, GGUF_COLUMNS_MAX, &gguf->hidden) != 0 ||
        take_number(keys, CONTEXT, 0, GGUF_CONTEXT_MAX, &gguf->context) != 0) {
        return -1;
    }
    if (!keys->seen[EPSILON]) {
        return gguf_refuse(in, name_of(EPSILON), "is missing");
    }
    gguf->norm_epsilon = keys->real[EPSILON];
    if (!(gguf->norm_epsilon > 0.0f)) {
        return gguf_refuse(in, name_of(EPSILON), "must be more than 0");
    }
    if (keys->number[EXPERTS] > 0) {
        return gguf_refuse(in, name_of(EXPERTS), "is %u; a mixture of experts is not supported", keys->number[EXPERTS]);
    }
    return check_attention(keys) != 0 ? -1 : check_rope(keys);
}

static int check_general(struct keys *keys, struct gguf_split *split)
{
    struct gguf_input *in = keys->in;
    *split = (struct gguf_split){keys->number[SPLIT_NUMBER], keys->number[SPLIT_COUNT], keys->number[SPLIT_TENSORS],
                                 keys->seen[SPLIT_TENSORS]};
    if (gguf_check_split(in, split) != 0) {
        return -1;
    }
    if (!keys->seen[ARCHITECTURE]) {
        return gguf_refuse(in, name_of(ARCHITECTURE), "is missing");
    }
    if (keys->seen[QUANTIZATION] && keys->number[QUANTIZATION] != 2) {
        return gguf_refuse(in, name_of(QUANTIZATION), "is %u; only 2 is supported", keys->number[QUANTIZATION]);
    }
    if (gguf_take_alignment(in, keys->seen[ALIGNMENT] ? keys->number[ALIGNMENT] : GGUF_ALIGNMENT) != 0) {
        return -1;
    }
    in->gguf->file_type = keys->seen[FILE_TYPE] ? keys->number[FILE_TYPE] : UINT32_MAX;
    in->gguf->has_checksum = keys->seen[CHECKSUM];
    in->gguf->checksum = keys->number[CHECKSUM];
    return 0;
}

/* A token id: `absent` if the key is missing, as in llama.cpp. */
static int take_token(struct keys *keys, enum key key, uint32_t absent, int32_t *id)
{
    uint32_t vocabulary = keys->in->gguf->vocabulary;
    uint32_t value = keys->seen[key] ? keys->number[key] : absent;
    *id = value < vocabulary ? (int32_t)value : GGUF_NO_TOKEN;
    if (*id == GGUF_NO_TOKEN && keys->seen[key] && value != UINT32_MAX) {
        return gguf_refuse(keys->in, name_of(key), "is %u; the last token is %u", value, vocabulary - 1);
    }
    return 0;
}

/* Keys that only one kind of vocabulary requires. */
static int check_kind(struct keys *keys)
{
    struct gguf *gguf = keys->in->gguf;
    const bool bpe = gguf->tokenizer == GGUF_TOKENIZER_BPE;
    const enum key needed = bpe ? TOKEN_MERGES : TOKEN_SCORES;
    if (!keys->seen[needed]) {
        return gguf_refuse(keys->in, name_of(needed), "is missing");
    }
    gguf->merges = keys->number[TOKEN_MERGES];
    return bpe ? gguf_take_pre(keys->in, name_of(PRE_TOKENIZER), keys->pre) : 0;
}

static int check_vocabulary(struct keys *keys)
{
    struct gguf_input *in = keys->in;
    struct gguf *gguf = in->gguf;
    for (enum key key = TOKENIZER; key <= TOKEN_PIECES; key++) {
        if (!keys->seen[key] && key != PRE_TOKENIZER) {
            return gguf_refuse(in, name_of(key), "is missing");
        }
    }
    gguf->vocabulary = keys->number[TOKEN_PIECES];
    for (enum key key = TOKEN_SCORES; key <= TOKEN_TYPES; key++) {
        if (keys->seen[key] && keys->number[key] != gguf->vocabulary) {
            return gguf_refuse(in, name_of(key), "has %u entries for %u tokens", keys->number[key], gguf->vocabulary);
        }
    }
    if (check_kind(keys) != 0) {
        return -1;
    }
    const bool bpe = gguf->tokenizer == GGUF_TOKENIZER_BPE;
    if (take_token(keys, BOS,
                   !bpe                                       ? 1
                   : (gguf->pre.flags & GGUF_PRE_NO_BOS) != 0 ? UINT32_MAX
                                                              : 11,
                   &gguf->bos) != 0 ||
        take_token(keys, EOS, bpe ? 11 : 2, &gguf->eos) != 0 ||
        take_token(keys, UNKNOWN, bpe ? UINT32_MAX : 0, &gguf->unknown) != 0) {
        return -1;
    }
    gguf->add_bos =
        (keys->seen[ADD_BOS] ? keys->number[ADD_BOS] != 0 : !bpe || (gguf->pre.flags & GGUF_PRE_ADD_BOS) != 0) &&
        gguf->bos != GGUF_NO_TOKEN;
    gguf->add_space_prefix = !bpe && (!keys->seen[ADD_SPACE] || keys->number[ADD_SPACE] != 0);
    return 0;
}

int gguf_read_keys(struct gguf_input *in, uint64_t count, struct gguf_split *split)
{
    struct keys keys;
    memset(&keys, 0, sizeof keys);
    keys.in = in;
    for (; count > 0; count--) {
        if (get_pair(&keys) != 0) {
            return -1;
        }
    }
    if (check_general(&keys, split) != 0 || check_shape(&keys) != 0) {
        return -1;
    }
    return check_vocabulary(&keys);
}
