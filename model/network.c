#include "network.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"

enum { FILE_BYTES_MAX = 64 << 20, VALUE_STRING = 8, VALUE_ARRAY = 9, TYPE_F32 = 0, TYPE_Q8_0 = 8, BLOCK = 32 };
enum { BLOCK_BYTES = 2 + BLOCK, HEADER_BYTES = 24 };

/* Bytes of a value by ggml's type number; 0 if the length varies or the type is unknown. */
static const uint8_t value_bytes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};

struct tensor {
    uint64_t cols, rows, offset;
    uint32_t type;
};

/* Bytes [at, at + length) of the file, which must have them. */
static const uint8_t *bytes(const struct network *network, size_t at, uint64_t length)
{
    if (at > network->size || length > network->size - at) {
        die("%s: ends at byte %zu within its header or a tensor", network->path, network->size);
    }
    return network->file + at;
}

static uint64_t take_u64(const struct network *network, size_t *at)
{
    uint64_t value;
    memcpy(&value, bytes(network, *at, sizeof value), sizeof value);
    *at += sizeof value;
    return value;
}

static uint32_t take_u32(const struct network *network, size_t *at)
{
    uint32_t value;
    memcpy(&value, bytes(network, *at, sizeof value), sizeof value);
    *at += sizeof value;
    return value;
}

static struct network_text take_string(const struct network *network, size_t *at)
{
    const uint64_t length = take_u64(network, at);
    const struct network_text text = {(const char *)bytes(network, *at, length), length};
    *at += length;
    return text;
}

static int equal(struct network_text text, const char *other)
{
    return text.length == strlen(other) && memcmp(text.bytes, other, text.length) == 0;
}

static void skip_value(const struct network *network, size_t *at, uint32_t type)
{
    if (type == VALUE_STRING) {
        take_string(network, at);
    } else if (type == VALUE_ARRAY) {
        const uint32_t element = take_u32(network, at);
        for (uint64_t n = take_u64(network, at); n > 0; n--) {
            skip_value(network, at, element);
        }
    } else if (type < sizeof value_bytes) {
        bytes(network, *at, value_bytes[type]);
        *at += value_bytes[type];
    } else {
        die("%s: has a value of unknown type %u", network->path, type);
    }
}

/* Walks over the metadata. Returns the position of the value of `key` and its type, or, without a key, the metadata's
   end. */
static size_t find_key(const struct network *network, const char *key, uint32_t *type)
{
    size_t at = 16;
    for (uint64_t n = take_u64(network, &at); n > 0; n--) {
        const struct network_text name = take_string(network, &at);
        *type = take_u32(network, &at);
        if (key && equal(name, key)) {
            return at;
        }
        skip_value(network, &at, *type);
    }
    if (key) {
        die("%s: has no key %s", network->path, key);
    }
    return at;
}

static struct tensor take_tensor(const struct network *network, size_t *at)
{
    struct tensor tensor = {.rows = 1};
    const uint32_t dimensions = take_u32(network, at);
    for (uint32_t i = 0; i < dimensions; i++) {
        const uint64_t n = take_u64(network, at);
        if (i == 0) {
            tensor.cols = n;
        } else {
            tensor.rows *= n;
        }
    }
    tensor.type = take_u32(network, at);
    tensor.offset = take_u64(network, at);
    return tensor;
}

static void read_texts(struct network *network)
{
    uint32_t type;
    size_t at = find_key(network, "tokenizer.ggml.tokens", &type);
    if (type != VALUE_ARRAY || take_u32(network, &at) != VALUE_STRING) {
        die("%s: tokenizer.ggml.tokens is not a list of texts", network->path);
    }
    const uint64_t count = take_u64(network, &at);
    bytes(network, at, count); /* each takes more than a byte */
    network->vocabulary = (uint32_t)count;
    network->text = allocate(count * sizeof *network->text);
    for (uint64_t id = 0; id < count; id++) {
        network->text[id] = take_string(network, &at);
    }
}

void network_read(struct network *network, const char *path)
{
    *network = (struct network){.path = path, .file = allocate(FILE_BYTES_MAX)};
    FILE *file = fopen(path, "rb");
    if (!file) {
        die("%s: %s", path, strerror(errno));
    }
    network->size = fread(network->file, 1, FILE_BYTES_MAX, file);
    fclose(file);
    if (memcmp(bytes(network, 0, HEADER_BYTES), "GGUF", 4) != 0) {
        die("%s: is not a GGUF file", path);
    }
    size_t at = 8;
    network->tensor_count = take_u64(network, &at);
    uint32_t type;
    network->tensors = at = find_key(network, NULL, &type);
    for (size_t i = 0; i < network->tensor_count; i++) {
        take_string(network, &at);
        take_tensor(network, &at);
    }
    network->data = (at + 31) / 32 * 32; /* llama2c-to-gguf uses the default alignment */
    read_texts(network);
}

uint32_t network_number(const struct network *network, const char *key)
{
    uint32_t type;
    size_t at = find_key(network, key, &type);
    return take_u32(network, &at);
}

static float half_to_float(uint16_t half)
{
    const int exponent = half >> 10 & 31, mantissa = half & 1023;
    const float size = exponent ? ldexpf((float)(mantissa + 1024), exponent - 25) : ldexpf((float)mantissa, -24);
    return half >> 15 ? -size : size;
}

static float element(const struct network *network, const struct tensor *tensor, uint64_t index)
{
    const size_t start = network->data + tensor->offset;
    if (tensor->type == TYPE_F32) {
        float value;
        memcpy(&value, bytes(network, start + index * sizeof value, sizeof value), sizeof value);
        return value;
    }
    const uint8_t *block = bytes(network, start + index / BLOCK * BLOCK_BYTES, BLOCK_BYTES);
    uint16_t scale;
    memcpy(&scale, block, sizeof scale);
    return half_to_float(scale) * (float)(int8_t)block[2 + index % BLOCK];
}

static struct tensor find_tensor(const struct network *network, const char *name)
{
    size_t at = network->tensors;
    for (size_t i = 0; i < network->tensor_count; i++) {
        const struct network_text text = take_string(network, &at);
        const struct tensor tensor = take_tensor(network, &at);
        if (equal(text, name)) {
            return tensor;
        }
    }
    die("%s: has no tensor %s", network->path, name);
}

void network_matrix(const struct network *network, const char *name, uint32_t rows, uint32_t cols, float *out)
{
    const struct tensor tensor = find_tensor(network, name);
    if (tensor.rows < rows || tensor.cols < cols || tensor.rows > UINT16_MAX || tensor.cols > UINT16_MAX) {
        die("%s: %s is not a matrix of %u x %u", network->path, name, rows, cols);
    }
    if (tensor.type != TYPE_F32 && (tensor.type != TYPE_Q8_0 || tensor.cols % BLOCK != 0)) {
        die("%s: %s is neither F32 nor Q8_0", network->path, name);
    }
    for (uint64_t row = 0; row < tensor.rows; row++) {
        for (uint64_t col = 0; col < tensor.cols; col++) {
            const float value = element(network, &tensor, row * tensor.cols + col);
            if (!isfinite(value)) {
                die("%s: a weight of %s is not a finite number", network->path, name);
            }
            if (row < rows && col < cols) {
                out[row * cols + col] = value;
            } else if (value != 0) {
                die("%s: %s is larger than %u x %u", network->path, name, rows, cols);
            }
        }
    }
}
