/* Reads the keys of a GGUF file in their order (key_table.h). */
#include "gguf/key_table.h"

#include "base/format.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/utf8.h"
#include "gguf/checksum.h"
#include "gguf/kind.h"
#include "gguf/split.h"

enum kind { NUMBER, REAL, FLAG, NAME, PIECES, SCORES, TYPES, MERGES, PLACE }; /* of a known key */

static const struct known_key {
    char name[38]; /* one that begins with '.' follows the architecture's name */
    uint8_t kind;
} known[KEYS] = {
    [KEY_ARCHITECTURE] = {"general.architecture", NAME},
    [KEY_MODEL_NAME] = {"general.name", NAME},
    [KEY_SIZE_LABEL] = {"general.size_label", NAME},
    [KEY_ALIGNMENT] = {"general.alignment", NUMBER},
    [KEY_FILE_TYPE] = {"general.file_type", NUMBER},
    [KEY_QUANTIZATION] = {"general.quantization_version", NUMBER},
    [KEY_SPLIT_NUMBER] = {"split.no", NUMBER},
    [KEY_SPLIT_COUNT] = {"split.count", NUMBER},
    [KEY_SPLIT_TENSORS] = {"split.tensors.count", NUMBER},
    [KEY_CONTEXT] = {".context_length", NUMBER},
    [KEY_DIM] = {".embedding_length", NUMBER},
    [KEY_HIDDEN] = {".feed_forward_length", NUMBER},
    [KEY_LAYERS] = {".block_count", NUMBER},
    [KEY_HEADS] = {".attention.head_count", NUMBER},
    [KEY_KV_HEADS] = {".attention.head_count_kv", NUMBER},
    [KEY_KEY_LENGTH] = {".attention.key_length", NUMBER},
    [KEY_VALUE_LENGTH] = {".attention.value_length", NUMBER},
    [KEY_EPSILON] = {".attention.layer_norm_rms_epsilon", REAL},
    [KEY_CAUSAL] = {".attention.causal", FLAG},
    [KEY_EXPERTS] = {".expert_count", NUMBER},
    [KEY_WINDOW] = {".attention.sliding_window", NUMBER},
    [KEY_WINDOW_PERIOD] = {".attention.sliding_window_pattern", NUMBER},
    [KEY_CAPPING] = {".final_logit_softcapping", REAL},
    [KEY_ROPE_SIZE] = {".rope.dimension_count", NUMBER},
    [KEY_ROPE_BASE] = {".rope.freq_base", REAL},
    [KEY_ROPE_WINDOW_BASE] = {".rope.freq_base_swa", REAL},
    [KEY_ROPE_SCALING] = {".rope.scaling.type", NAME},
    [KEY_ROPE_FACTOR] = {".rope.scaling.factor", REAL},
    [KEY_ROPE_LINEAR] = {".rope.scale_linear", REAL}, /* an old name of the same */
    [KEY_ROPE_ORIGINAL] = {".rope.scaling.original_context_length", NUMBER},
    [KEY_ROPE_ATTENTION] = {".rope.scaling.attn_factor", REAL},
    [KEY_TOKENIZER] = {"tokenizer.ggml.model", NAME},
    [KEY_PRE_TOKENIZER] = {"tokenizer.ggml.pre", NAME},
    [KEY_TOKEN_PIECES] = {"tokenizer.ggml.tokens", PIECES},
    [KEY_TOKEN_SCORES] = {"tokenizer.ggml.scores", SCORES},
    [KEY_TOKEN_TYPES] = {"tokenizer.ggml.token_type", TYPES},
    [KEY_TOKEN_MERGES] = {"tokenizer.ggml.merges", MERGES},
    [KEY_BOS] = {"tokenizer.ggml.bos_token_id", NUMBER},
    [KEY_EOS] = {"tokenizer.ggml.eos_token_id", NUMBER},
    [KEY_UNKNOWN] = {"tokenizer.ggml.unknown_token_id", NUMBER},
    [KEY_END_TURN] = {"tokenizer.ggml.eot_token_id", NUMBER},
    [KEY_END_MESSAGE] = {"tokenizer.ggml.eom_token_id", NUMBER},
    [KEY_END_PADDING] = {"tokenizer.ggml.fim_pad_token_id", NUMBER},
    [KEY_END_REPOSITORY] = {"tokenizer.ggml.fim_rep_token_id", NUMBER},
    [KEY_END_FILE] = {"tokenizer.ggml.fim_sep_token_id", NUMBER},
    [KEY_ADD_BOS] = {"tokenizer.ggml.add_bos_token", FLAG},
    [KEY_ADD_SPACE] = {"tokenizer.ggml.add_space_prefix", FLAG},
    [KEY_CHAT_TEMPLATE] = {"tokenizer.chat_template", PLACE},
    [KEY_CHECKSUM] = {CHECKSUM_KEY, NUMBER},
};

const char *gguf_key_name(struct keys *keys, enum key key)
{
    const char *own = known[key].name[0] == '.' ? keys->in->gguf->architecture->name : "";
    format(keys->name, sizeof keys->name, "%s%s", own, known[key].name);
    return keys->name;
}

/* ---- Reading ---- */

static int get_real(struct keys *keys, enum key key, uint32_t type)
{
    struct gguf_input *in = keys->in;
    uint32_t bits;
    if (type != GGUF_VALUE_F32) {
        return gguf_refuse(in, gguf_key_name(keys, key), "is not a 32-bit float");
    }
    if (gguf_get_u32(in, &bits) != 0) {
        return -1;
    }
    if ((bits & 0x7F800000) == 0x7F800000) {
        return gguf_refuse(in, gguf_key_name(keys, key), "is infinite or not a number");
    }
    memcpy(&keys->real[key], &bits, sizeof bits);
    return 0;
}

static int get_flag(struct keys *keys, enum key key, uint32_t type)
{
    struct gguf_input *in = keys->in;
    uint8_t value;
    if (type != GGUF_VALUE_BOOL) {
        return gguf_refuse(in, gguf_key_name(keys, key), "is not true or false");
    }
    if (reader_get(in->reader, &value, 1, in->error) != 0) {
        return -1;
    }
    if (value > 1) {
        return gguf_refuse(in, gguf_key_name(keys, key), "is %u; true is 1 and false is 0", (uint32_t)value);
    }
    keys->number[key] = value;
    return 0;
}

static int take_scaling(struct keys *keys, const char *text)
{
    static const char names[SCALINGS][8] = {"linear", "none", "yarn"}; /* by their numbers */
    for (uint32_t i = 0; i < SCALINGS; i++) {
        if (text_equal(text, names[i])) {
            keys->number[KEY_ROPE_SCALING] = i;
            return 0;
        }
    }
    return gguf_refuse(keys->in, gguf_key_name(keys, KEY_ROPE_SCALING),
                       "is \"%s\"; only \"none\", \"linear\" and \"yarn\" are supported: choose another model", text);
}

static int take_architecture(struct keys *keys, const char *text)
{
    const struct gguf_architecture *architecture = gguf_find_architecture(text);
    char list[64];
    if (architecture == NULL) {
        gguf_list_architectures(list, sizeof list);
        return gguf_refuse(keys->in, gguf_key_name(keys, KEY_ARCHITECTURE),
                           "is \"%s\"; only %s are supported: choose a model of one of these architectures", text,
                           list);
    }
    keys->in->gguf->architecture = architecture;
    return 0;
}

/* A text for the user, or a name. */
static int get_text(struct keys *keys, enum key key, uint32_t type)
{
    struct gguf_input *in = keys->in;
    struct gguf *gguf = in->gguf;
    uint8_t bytes[sizeof gguf->name];
    char text[sizeof gguf->name];
    uint64_t length;
    if (type != GGUF_VALUE_STRING) {
        return gguf_refuse(in, gguf_key_name(keys, key), "is not a text");
    }
    if (gguf_get_u64(in, &length) != 0) {
        return -1;
    }
    uint32_t kept = length < sizeof bytes ? (uint32_t)length : (uint32_t)sizeof bytes;
    if (reader_get(in->reader, bytes, kept, in->error) != 0 || reader_skip(in->reader, length - kept, in->error) != 0) {
        return -1;
    }
    utf8_printable(text, sizeof text, bytes, kept);
    if (key == KEY_MODEL_NAME) {
        memcpy(gguf->name, text, sizeof text);
    } else if (key == KEY_SIZE_LABEL) {
        utf8_printable(gguf->size_label, sizeof gguf->size_label, bytes, kept);
    } else if (key == KEY_ARCHITECTURE) {
        return take_architecture(keys, text);
    } else if (key == KEY_TOKENIZER) {
        return gguf_take_tokenizer(in, gguf_key_name(keys, key), text);
    } else if (key == KEY_PRE_TOKENIZER) {
        memcpy(keys->pre, text, sizeof text);
    } else if (key == KEY_ROPE_SCALING) {
        return take_scaling(keys, text);
    }
    return 0;
}

/* Skips `count` texts, each of at most `longest` bytes, and adds up their bytes. */
static int skip_texts(struct keys *keys, enum key key, uint64_t count, uint32_t longest, uint64_t *bytes)
{
    struct gguf_input *in = keys->in;
    uint64_t length;
    for (uint64_t i = 0; i < count; i++) {
        if (gguf_get_u64(in, &length) != 0) {
            return -1;
        }
        if (length > longest) {
            return gguf_refuse(in, gguf_key_name(keys, key), "has %llu bytes in %s %llu; allowed are %u",
                               (unsigned long long)length, key == KEY_TOKEN_PIECES ? "token" : "merge",
                               (unsigned long long)i, longest);
        }
        *bytes += length;
        if (*bytes > GGUF_PIECES_MAX) {
            return gguf_refuse(in, gguf_key_name(keys, key), "has more than %u bytes of text",
                               (uint32_t)GGUF_PIECES_MAX);
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
    static const uint8_t wanted[KEYS] = {[KEY_TOKEN_PIECES] = GGUF_VALUE_STRING,
                                         [KEY_TOKEN_SCORES] = GGUF_VALUE_F32,
                                         [KEY_TOKEN_TYPES] = GGUF_VALUE_I32,
                                         [KEY_TOKEN_MERGES] = GGUF_VALUE_STRING};
    const uint32_t most = key == KEY_TOKEN_MERGES ? GGUF_MERGES_MAX : GGUF_VOCABULARY_MAX;
    if (type != GGUF_VALUE_ARRAY) {
        return gguf_refuse(in, gguf_key_name(keys, key), "is not an array");
    }
    if (gguf_get_array(in, gguf_key_name(keys, key), &array) != 0) {
        return -1;
    }
    if (array.type != wanted[key]) {
        return gguf_refuse(in, gguf_key_name(keys, key), "is an array of type %u; it must be of type %u", array.type,
                           wanted[key]);
    }
    if (array.count == 0 || array.count > most) {
        return gguf_refuse(in, gguf_key_name(keys, key), "has %llu entries; allowed are 1 to %u",
                           (unsigned long long)array.count, most);
    }
    keys->number[key] = (uint32_t)array.count;
    uint64_t start = in->reader->position;
    if (key == KEY_TOKEN_PIECES) {
        in->gguf->pieces_offset = start;
        return skip_texts(keys, key, array.count, GGUF_PIECE_MAX, &in->gguf->pieces_bytes);
    }
    if (key == KEY_TOKEN_MERGES) {
        in->gguf->merges_offset = start;
        uint64_t bytes = 0;
        return skip_texts(keys, key, array.count, GGUF_MERGE_MAX, &bytes);
    }
    *(key == KEY_TOKEN_SCORES ? &in->gguf->scores_offset : &in->gguf->types_offset) = start;
    return reader_skip(in->reader, array.count * 4, in->error);
}

/* Records the position of a text and skips it. */
static int get_place(struct keys *keys, enum key key, uint32_t type)
{
    struct gguf_input *in = keys->in;
    struct gguf *gguf = in->gguf;
    if (type != GGUF_VALUE_STRING) {
        return gguf_refuse(in, gguf_key_name(keys, key), "is not a text");
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
        return gguf_refuse(keys->in, gguf_key_name(keys, key), "appears twice");
    }
    keys->seen[key] = true;
    switch (known[key].kind) {
    case NUMBER:
        return gguf_get_number(keys->in, gguf_key_name(keys, key), type, &keys->number[key]);
    case REAL:
        return get_real(keys, key, type);
    case FLAG:
        return get_flag(keys, key, type);
    case NAME:
        return get_text(keys, key, type);
    case PLACE:
        return get_place(keys, key, type);
    default:
        return get_vocabulary(keys, key, type);
    }
}

/* The name of the next pair, and the type of its value. */
static int get_head(struct gguf_input *in, struct gguf_name *name, uint32_t *type)
{
    return gguf_get_name(in, name, GGUF_KEY_MAX) != 0 ? -1 : gguf_get_type(in, name->text, type);
}

/* A longer name, or one with an odd character, differs from every known key in text or length. */
static bool is_key(const struct keys *keys, enum key key, const struct gguf_name *name)
{
    const char *own = known[key].name, *before = own[0] == '.' ? keys->in->gguf->architecture->name : "";
    const size_t n = text_length(before);
    return name->length == n + text_length(own) && memcmp(name->text, before, n) == 0 &&
           text_equal(name->text + n, own);
}

/* A file without an architecture may be a later part of a split model. */
static int refuse_without_architecture(struct keys *keys)
{
    const struct gguf_split split = {.number = keys->number[KEY_SPLIT_NUMBER]};
    if (gguf_check_split(keys->in, &split) != 0) {
        return -1;
    }
    return gguf_refuse(keys->in, gguf_key_name(keys, KEY_ARCHITECTURE), "is missing");
}

/* Finds the architecture, whose name other keys begin with, and goes back. It is the first key of most files. */
static int find_architecture(struct keys *keys, uint64_t count)
{
    struct gguf_input *in = keys->in;
    const uint64_t start = in->reader->position;
    struct gguf_name name;
    uint32_t type;
    int status;
    for (; count > 0 && in->gguf->architecture == NULL; count--) {
        if (get_head(in, &name, &type) != 0) {
            return -1;
        }
        if (is_key(keys, KEY_ARCHITECTURE, &name)) {
            status = get_text(keys, KEY_ARCHITECTURE, type);
        } else if (is_key(keys, KEY_SPLIT_NUMBER, &name)) {
            status = gguf_get_number(in, name.text, type, &keys->number[KEY_SPLIT_NUMBER]);
        } else {
            status = gguf_skip_value(in, name.text, type);
        }
        if (status != 0) {
            return -1;
        }
    }
    if (in->gguf->architecture == NULL) {
        return refuse_without_architecture(keys);
    }
    return reader_seek(in->reader, start, in->error);
}

/* Whether the architecture has such a key. Models of others may have it, too, of any type: llama.cpp ignores it. */
static bool is_of_architecture(const struct keys *keys, enum key key)
{
    switch (key) {
    case KEY_WINDOW:
    case KEY_WINDOW_PERIOD:
    case KEY_CAPPING:
    case KEY_ROPE_WINDOW_BASE:
        return keys->in->gguf->architecture->window_period > 0;
    default:
        return true;
    }
}

static int get_pair(struct keys *keys)
{
    struct gguf_input *in = keys->in;
    struct gguf_name name;
    uint32_t type, key = 0;
    if (get_head(in, &name, &type) != 0) {
        return -1;
    }
    while (key < KEYS && !is_key(keys, key, &name)) {
        key++;
    }
    const bool known_here = key < KEYS && is_of_architecture(keys, key);
    return known_here ? get_known(keys, key, type) : gguf_skip_value(in, name.text, type);
}

int gguf_fill_keys(struct keys *keys, uint64_t count)
{
    if (find_architecture(keys, count) != 0) {
        return -1;
    }
    for (; count > 0; count--) {
        if (get_pair(keys) != 0) {
            return -1;
        }
    }
    return 0;
}
