#include "sample_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gguf/gguf.h"

enum { KEYS_MAX = 48, TENSORS_MAX = 32, VALUE_MAX = 400, NAME_MAX_BYTES = 70, ALIGN = 32, DIM = 32, HIDDEN = 64 };

const char *const sample_pieces[12] = {"<unk>", "<s>",     "</s>",   "\u2581", "a",      "b",
                                       "ab",    "\u2581a", "<0x0A>", "<0xC3>", "\u00F6", "c"};

struct key {
    char name[NAME_MAX_BYTES];
    uint32_t type;
    uint8_t value[VALUE_MAX];
    size_t value_bytes;
};

struct tensor {
    char name[NAME_MAX_BYTES];
    uint32_t rank, type;
    uint64_t sizes[4], offset;
};

struct sample {
    struct key keys[KEYS_MAX];
    struct tensor tensors[TENSORS_MAX];
    uint64_t key_count, tensor_count, data_bytes;
    uint32_t version;
    char magic[5];
    const struct change *stated_keys, *stated_tensors, *cut, *cut_data; /* NULL where the truth is told */
};

/* ---- Building ---- */

static void add_bytes(struct key *key, const void *bytes, size_t n)
{
    if (n > VALUE_MAX - key->value_bytes)
        abort();
    memcpy(key->value + key->value_bytes, bytes, n);
    key->value_bytes += n;
}

static void add_string(struct key *key, const char *text)
{
    uint64_t length = strlen(text);

    add_bytes(key, &length, sizeof length);
    add_bytes(key, text, (size_t)length);
}

/* The key with that name, emptied, or a new one at the end. */
static struct key *fresh_key(struct sample *sample, const char *name, uint32_t type)
{
    uint64_t i = 0;

    while (i < sample->key_count && strcmp(sample->keys[i].name, name) != 0)
        i++;
    if (i == KEYS_MAX)
        abort();
    sample->key_count += i == sample->key_count;
    struct key *key = &sample->keys[i];
    memset(key, 0, sizeof *key);
    strcpy(key->name, name);
    key->type = type;
    return key;
}

static void set_number(struct sample *sample, const char *name, uint32_t type, uint64_t value)
{
    static const size_t bytes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};

    add_bytes(fresh_key(sample, name, type), &value, type <= F64 ? bytes[type] : 8);
}

static void set_array(struct sample *sample, const char *name, uint32_t type, uint64_t count)
{
    struct key *key = fresh_key(sample, name, ARRAY);

    add_bytes(key, &type, sizeof type);
    add_bytes(key, &count, sizeof count);
}

static uint64_t tensor_bytes(uint32_t type, uint64_t elements)
{
    return type == GGUF_TYPE_F32 ? elements * 4 : type == GGUF_TYPE_Q8_0 ? elements / 32 * 34 : elements * 2;
}

static void add_tensor(struct sample *sample, const char *name, uint32_t type, uint64_t cols, uint64_t rows)
{
    struct tensor *tensor = &sample->tensors[sample->tensor_count++];

    *tensor = (struct tensor){
        .rank = rows > 0 ? 2 : 1, .type = type, .sizes = {cols, rows, 1, 1}, .offset = sample->data_bytes};
    strcpy(tensor->name, name);
    uint64_t bytes = tensor_bytes(type, cols * (rows > 0 ? rows : 1));
    sample->data_bytes += (bytes + ALIGN - 1) / ALIGN * ALIGN;
}

static void add_keys(struct sample *sample)
{
    static const float scores[12] = {0, 0, 0, -5, -6, -7, -1, -2, 0, 0, -3, -4};
    static const int32_t types[12] = {2, 3, 3, 1, 1, 1, 1, 1, 6, 6, 1, 1};
    static const uint32_t epsilon = 0x3727C5AC, base = 0x461C4000; /* 1e-5, 10000 */

    add_string(fresh_key(sample, "general.architecture", STRING), "llama");
    add_string(fresh_key(sample, "general.name", STRING), "sample");
    add_string(fresh_key(sample, "general.author", STRING), "nobody");
    set_number(sample, "general.file_type", U32, 7);
    set_number(sample, "llama.context_length", U32, 16);
    set_number(sample, "llama.embedding_length", U32, DIM);
    set_number(sample, "llama.block_count", U32, 2);
    set_number(sample, "llama.feed_forward_length", U32, HIDDEN);
    set_number(sample, "llama.attention.head_count", U32, 4);
    set_number(sample, "llama.attention.head_count_kv", U32, 2);
    set_number(sample, "llama.attention.layer_norm_rms_epsilon", F32, epsilon);
    set_number(sample, "llama.rope.dimension_count", U32, 8);
    set_number(sample, "llama.rope.freq_base", F32, base);
    add_string(fresh_key(sample, "tokenizer.ggml.model", STRING), "llama");
    set_array(sample, "tokenizer.ggml.tokens", STRING, 12);
    for (int i = 0; i < 12; i++)
        add_string(&sample->keys[sample->key_count - 1], sample_pieces[i]);
    set_array(sample, "tokenizer.ggml.scores", F32, 12);
    add_bytes(&sample->keys[sample->key_count - 1], scores, sizeof scores);
    set_array(sample, "tokenizer.ggml.token_type", I32, 12);
    add_bytes(&sample->keys[sample->key_count - 1], types, sizeof types);
    set_number(sample, "tokenizer.ggml.bos_token_id", U32, 1);
    set_number(sample, "tokenizer.ggml.eos_token_id", U32, 2);
    set_number(sample, "tokenizer.ggml.unknown_token_id", U32, 0);
    set_number(sample, "tokenizer.ggml.padding_token_id", U32, UINT32_MAX);
}

static void add_tensors(struct sample *sample)
{
    add_tensor(sample, "token_embd.weight", GGUF_TYPE_F32, DIM, 12);
    add_tensor(sample, "blk.0.attn_norm.weight", GGUF_TYPE_F32, DIM, 0);
    add_tensor(sample, "blk.0.attn_q.weight", GGUF_TYPE_Q8_0, DIM, DIM);
    add_tensor(sample, "blk.0.attn_k.weight", GGUF_TYPE_F16, DIM, DIM / 2);
    add_tensor(sample, "blk.0.attn_v.weight", GGUF_TYPE_BF16, DIM, DIM / 2);
    add_tensor(sample, "blk.0.attn_output.weight", GGUF_TYPE_Q8_0, DIM, DIM);
    add_tensor(sample, "blk.0.ffn_norm.weight", GGUF_TYPE_F32, DIM, 0);
    add_tensor(sample, "blk.0.ffn_gate.weight", GGUF_TYPE_Q8_0, DIM, HIDDEN);
    add_tensor(sample, "blk.0.ffn_down.weight", GGUF_TYPE_Q8_0, HIDDEN, DIM);
    add_tensor(sample, "blk.0.ffn_up.weight", GGUF_TYPE_Q8_0, DIM, HIDDEN);
    for (int i = 1; i <= 9; i++) {
        struct tensor *tensor = &sample->tensors[i];
        char name[NAME_MAX_BYTES] = "blk.1.";
        strcat(name, tensor->name + 6);
        add_tensor(sample, name, tensor->type, tensor->sizes[0], tensor->rank > 1 ? tensor->sizes[1] : 0);
    }
    add_tensor(sample, "output_norm.weight", GGUF_TYPE_F32, DIM, 0);
    add_tensor(sample, "output.weight", GGUF_TYPE_Q8_0, DIM, 12);
}

/* ---- Spoiling ---- */

/* The tensors of both layers that an architecture has besides. */
static void add_extra(struct sample *sample, const char *tensor, uint64_t cols)
{
    for (char layer = '0'; layer <= '1'; layer++) {
        char name[NAME_MAX_BYTES] = "blk.N.";
        name[4] = layer;
        add_tensor(sample, strcat(name, tensor), GGUF_TYPE_F32, cols, 0);
    }
}

static void change_architecture(struct sample *sample, const char *name)
{
    const struct gguf_architecture *architecture = gguf_find_architecture(name);
    for (uint64_t i = 0; i < sample->key_count; i++) {
        char key[NAME_MAX_BYTES], *own = sample->keys[i].name;
        if (strncmp(own, "llama.", 6) == 0) {
            snprintf(key, sizeof key, "%s%s", name, own + 5);
            strcpy(own, key);
        }
    }
    add_string(fresh_key(sample, "general.architecture", STRING), name);
    if (architecture->biases) {
        add_extra(sample, "attn_q.bias", DIM);
        add_extra(sample, "attn_k.bias", DIM / 2);
        add_extra(sample, "attn_v.bias", DIM / 2);
    }
    if (architecture->head_norms) {
        add_extra(sample, "attn_q_norm.weight", DIM / 4);
        add_extra(sample, "attn_k_norm.weight", DIM / 4);
    }
    if (architecture->post_norms) {
        add_extra(sample, "post_attention_norm.weight", DIM);
        add_extra(sample, "post_ffw_norm.weight", DIM);
    }
    if (architecture->window_period > 0) {
        set_number(sample, "gemma3.attention.sliding_window", U32, 5);
    }
}

static void add_hex(struct key *key, const char *hex)
{
    for (; hex != NULL && *hex != '\0'; hex += 2) {
        char digits[3] = {hex[0], hex[1], '\0'};
        uint8_t byte = (uint8_t)strtoul(digits, NULL, 16);
        add_bytes(key, &byte, 1);
    }
}

static uint64_t find_key(const struct sample *sample, const char *name)
{
    for (uint64_t i = 0; i < sample->key_count; i++) {
        if (strcmp(sample->keys[i].name, name) == 0)
            return i;
    }
    abort();
}

static struct tensor *find_tensor(struct sample *sample, const char *name)
{
    for (uint64_t i = 0; i < sample->tensor_count; i++) {
        if (strcmp(sample->tensors[i].name, name) == 0)
            return &sample->tensors[i];
    }
    abort();
}

static void reverse_keys(struct sample *sample)
{
    for (uint64_t i = 0, j = sample->key_count - 1; i < j; i++, j--) {
        struct key key = sample->keys[i];
        sample->keys[i] = sample->keys[j];
        sample->keys[j] = key;
    }
}

static void change_keys(struct sample *sample, const struct change *change)
{
    struct key *keys = sample->keys;

    switch (change->kind) {
    case ARCHITECTURE:
        change_architecture(sample, change->text);
        break;
    case KEY_REMOVE:
        for (uint64_t i = find_key(sample, change->name); i + 1 < sample->key_count; i++)
            keys[i] = keys[i + 1];
        sample->key_count--;
        break;
    case KEY_NUMBER:
        set_number(sample, change->name, (uint32_t)change->a, change->b);
        break;
    case KEY_TEXT:
        add_string(fresh_key(sample, change->name, STRING), change->text);
        break;
    case KEY_TWICE:
        keys[sample->key_count++] = keys[find_key(sample, change->name)];
        break;
    case KEY_ARRAY:
        set_array(sample, change->name, (uint32_t)change->a, change->b);
        add_hex(&keys[find_key(sample, change->name)], change->text);
        break;
    case KEY_RAW:
        add_hex(fresh_key(sample, change->name, (uint32_t)change->a), change->text);
        break;
    case KEYS_REVERSED:
        reverse_keys(sample);
        break;
    default:
        break;
    }
}

static void change_tensors(struct sample *sample, const struct change *change)
{
    struct tensor *tensors = sample->tensors;

    switch (change->kind) {
    case TENSOR_REMOVE:
        *find_tensor(sample, change->name) = tensors[sample->tensor_count - 1];
        sample->tensor_count--;
        break;
    case TENSOR_RENAME:
        strcpy(find_tensor(sample, change->name)->name, change->text);
        break;
    case TENSOR_TWICE:
        tensors[sample->tensor_count++] = *find_tensor(sample, change->name);
        break;
    case TENSOR_SHAPE:
        find_tensor(sample, change->name)->sizes[0] = change->a;
        find_tensor(sample, change->name)->sizes[1] = change->b;
        break;
    case TENSOR_RANK:
        find_tensor(sample, change->name)->rank = (uint32_t)change->a;
        break;
    case TENSOR_TYPE:
        find_tensor(sample, change->name)->type = (uint32_t)change->a;
        break;
    case TENSOR_OFFSET:
        find_tensor(sample, change->name)->offset = change->b;
        break;
    default:
        break;
    }
}

static void change_file(struct sample *sample, const struct change *change)
{
    switch (change->kind) {
    case KEY_COUNT:
        sample->stated_keys = change;
        break;
    case TENSOR_COUNT:
        sample->stated_tensors = change;
        break;
    case VERSION:
        sample->version = (uint32_t)change->a;
        break;
    case MAGIC:
        strcpy(sample->magic, change->text);
        break;
    case CUT:
        sample->cut = change;
        break;
    case CUT_DATA:
        sample->cut_data = change;
        break;
    default:
        break;
    }
}

/* ---- Writing ---- */

struct writer {
    uint8_t *bytes;
    size_t used;
};

static void put(struct writer *writer, const void *bytes, size_t n)
{
    memcpy(writer->bytes + writer->used, bytes, n);
    writer->used += n;
}

static void put_name(struct writer *writer, const char *name)
{
    uint64_t length = strlen(name);

    put(writer, &length, sizeof length);
    put(writer, name, (size_t)length);
}

static void put_header(struct writer *writer, const struct sample *sample)
{
    put(writer, sample->magic, 4);
    put(writer, &sample->version, 4);
    put(writer, sample->stated_tensors != NULL ? &sample->stated_tensors->b : &sample->tensor_count, 8);
    put(writer, sample->stated_keys != NULL ? &sample->stated_keys->b : &sample->key_count, 8);
    for (uint64_t i = 0; i < sample->key_count; i++) {
        put_name(writer, sample->keys[i].name);
        put(writer, &sample->keys[i].type, 4);
        put(writer, sample->keys[i].value, sample->keys[i].value_bytes);
    }
    for (uint64_t i = 0; i < sample->tensor_count; i++) {
        const struct tensor *tensor = &sample->tensors[i];
        put_name(writer, tensor->name);
        put(writer, &tensor->rank, 4);
        put(writer, tensor->sizes, 8 * (tensor->rank <= 4 ? tensor->rank : 4));
        put(writer, &tensor->type, 4);
        put(writer, &tensor->offset, 8);
    }
    while (writer->used % ALIGN != 0)
        put(writer, "", 1);
}

/* Leaves what belongs to one part, and adds its keys. */
static void keep_part(struct sample *sample, uint32_t number, uint32_t count)
{
    const uint64_t all = sample->tensor_count, from = all * number / count, to = all * (number + 1) / count;
    const uint64_t end = to < all ? sample->tensors[to].offset : sample->data_bytes;
    const uint64_t start = from < all ? sample->tensors[from].offset : end;

    memmove(sample->tensors, sample->tensors + from, (size_t)(to - from) * sizeof *sample->tensors);
    sample->tensor_count = to - from;
    for (uint64_t i = 0; i < sample->tensor_count; i++)
        sample->tensors[i].offset -= start;
    sample->data_bytes = end - start;
    if (number > 0)
        sample->key_count = 0;
    set_number(sample, "split.no", U16, number);
    set_number(sample, "split.count", U16, count);
    set_number(sample, "split.tensors.count", I32, all);
}

uint8_t *sample_model(const struct change changes[SAMPLE_CHANGES], size_t *size)
{
    return sample_part(changes, 0, 0, size);
}

uint8_t *sample_part(const struct change changes[SAMPLE_CHANGES], uint32_t number, uint32_t count, size_t *size)
{
    struct sample *sample = calloc(1, sizeof *sample);
    struct writer writer = {NULL, 0};

    sample->version = 3;
    strcpy(sample->magic, "GGUF");
    add_keys(sample);
    add_tensors(sample);
    if (count > 0)
        keep_part(sample, number, count);
    for (int i = 0; i < SAMPLE_CHANGES; i++) {
        change_keys(sample, &changes[i]);
        change_tensors(sample, &changes[i]);
        change_file(sample, &changes[i]);
    }
    size_t most = sizeof *sample + (size_t)sample->data_bytes + (sample->cut != NULL ? (size_t)sample->cut->b : 0);
    writer.bytes = calloc(1, most);
    put_header(&writer, sample);
    *size = writer.used + (size_t)sample->data_bytes;
    if (sample->cut_data != NULL)
        *size -= (size_t)sample->cut_data->b;
    if (sample->cut != NULL)
        *size = (size_t)sample->cut->b;
    free(sample);
    return realloc(writer.bytes, *size > 0 ? *size : 1); /* exactly as long, so that a sanitizer sees a step beyond */
}
