#include "gguf/input.h"

#include "base/format.h"
#include "base/utf8.h"

int gguf_get_u32(struct gguf_input *in, uint32_t *value)
{
    return reader_get(in->reader, value, sizeof *value, in->error);
}

int gguf_get_u64(struct gguf_input *in, uint64_t *value)
{
    return reader_get(in->reader, value, sizeof *value, in->error);
}

int gguf_get_name(struct gguf_input *in, struct gguf_name *name, uint64_t longest)
{
    uint8_t bytes[GGUF_NAME_MAX];
    if (gguf_get_u64(in, &name->length) != 0) {
        return -1;
    }
    if (name->length > longest) {
        return error_set(in->error, "%s: a name of %llu bytes at byte %llu; allowed are %llu", in->reader->path,
                         (unsigned long long)name->length, (unsigned long long)in->reader->position - 8,
                         (unsigned long long)longest);
    }
    uint32_t kept = name->length < sizeof bytes ? (uint32_t)name->length : (uint32_t)sizeof bytes;
    if (reader_get(in->reader, bytes, kept, in->error) != 0) {
        return -1;
    }
    utf8_printable(name->text, sizeof name->text, bytes, kept);
    return reader_skip(in->reader, name->length - kept, in->error);
}

int gguf_refuse(struct gguf_input *in, const char *name, const char *pattern, ...)
{
    va_list arguments;
    char *text = in->error->text;
    size_t used = format(text, sizeof in->error->text, "%s: %s ", in->reader->path, name);
    va_start(arguments, pattern);
    format_list(text + used, sizeof in->error->text - used, pattern, arguments);
    va_end(arguments);
    return -1;
}

bool gguf_fits(const struct gguf_input *in, uint64_t count, uint32_t bytes_each)
{
    const uint64_t left = reader_left(in->reader);
    return count <= left && count * bytes_each <= left; /* left is below 2^58, so the product cannot wrap */
}

/* Bytes of a value; 0 for strings and arrays. */
static const uint8_t value_bytes[GGUF_VALUE_TYPES] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};

uint32_t gguf_value_bytes(uint32_t type)
{
    return value_bytes[type];
}

int gguf_get_type(struct gguf_input *in, const char *name, uint32_t *type)
{
    if (gguf_get_u32(in, type) != 0) {
        return -1;
    }
    return *type < GGUF_VALUE_TYPES ? 0 : gguf_refuse(in, name, "has unknown value type %u", *type);
}

int gguf_get_number(struct gguf_input *in, const char *name, uint32_t type, uint32_t *value)
{
    bool is_signed =
        type == GGUF_VALUE_I8 || type == GGUF_VALUE_I16 || type == GGUF_VALUE_I32 || type == GGUF_VALUE_I64;
    bool is_integer = is_signed || type == GGUF_VALUE_U8 || type == GGUF_VALUE_U16 || type == GGUF_VALUE_U32 ||
                      type == GGUF_VALUE_U64;
    uint64_t read = 0;
    if (type == GGUF_VALUE_ARRAY) {
        return gguf_refuse(in, name, "is an array; only one number for all layers is supported");
    }
    if (!is_integer) {
        return gguf_refuse(in, name, "is not a whole number");
    }
    if (reader_get(in->reader, &read, gguf_value_bytes(type), in->error) != 0) {
        return -1;
    }
    bool negative = is_signed && (read >> (8 * gguf_value_bytes(type) - 1) & 1) != 0;
    if (negative || read > UINT32_MAX) {
        return gguf_refuse(in, name, "is not between 0 and %u", UINT32_MAX);
    }
    *value = (uint32_t)read;
    return 0;
}

int gguf_take_alignment(struct gguf_input *in, uint32_t alignment)
{
    if (alignment < 8 || alignment > READER_PART_ALIGNMENT || (alignment & (alignment - 1)) != 0) {
        return gguf_refuse(in, "general.alignment", "is %u; allowed are powers of two from 8 to 1048576", alignment);
    }
    in->alignment = alignment;
    return 0;
}

static int skip_string(struct gguf_input *in)
{
    uint64_t length;
    return gguf_get_u64(in, &length) != 0 ? -1 : reader_skip(in->reader, length, in->error);
}

int gguf_get_array(struct gguf_input *in, const char *name, struct gguf_array *array)
{
    if (gguf_get_u32(in, &array->type) != 0 || gguf_get_u64(in, &array->count) != 0) {
        return -1;
    }
    if (array->type >= GGUF_VALUE_TYPES || array->type == GGUF_VALUE_ARRAY) {
        return gguf_refuse(in, name, "is an array of unsupported type %u", array->type);
    }
    uint32_t bytes_each = array->type == GGUF_VALUE_STRING ? sizeof(uint64_t) : value_bytes[array->type];
    if (!gguf_fits(in, array->count, bytes_each)) {
        return gguf_refuse(in, name, "has %llu entries, more than the file can hold; copy it again",
                           (unsigned long long)array->count);
    }
    return 0;
}

int gguf_skip_value(struct gguf_input *in, const char *name, uint32_t type)
{
    struct gguf_array array;
    if (type == GGUF_VALUE_STRING) {
        return skip_string(in);
    }
    if (type != GGUF_VALUE_ARRAY) {
        return reader_skip(in->reader, value_bytes[type], in->error);
    }
    if (gguf_get_array(in, name, &array) != 0) {
        return -1;
    }
    if (array.type != GGUF_VALUE_STRING) {
        return reader_skip(in->reader, array.count * value_bytes[array.type], in->error);
    }
    for (; array.count > 0; array.count--) {
        if (skip_string(in) != 0) {
            return -1;
        }
    }
    return 0;
}
