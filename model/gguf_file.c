#include "gguf_file.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/q8_0.h"
#include "tool.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "numbers are written as they lie in memory");

enum { GGUF_VERSION = 3 };

static char *temporary_path; /* for remove_temporary; NULL once the file has its name */

static void remove_temporary(void)
{
    if (temporary_path) {
        unlink(temporary_path);
    }
}

static void die_writing(const struct gguf_file *file)
{
    die("%s: cannot be written: %s", file->path, strerror(errno));
}

/* ---- The temporary file ---- */

void gguf_file_begin(struct gguf_file *file, const char *path)
{
    *file = (struct gguf_file){.path = path};

    /* Renaming onto /dev/null or a pipe would replace it. */
    struct stat status;
    if (stat(path, &status) == 0 && !S_ISREG(status.st_mode)) {
        die("%s: cannot be written: is not a regular file", path);
    }

    const size_t size = strlen(path) + sizeof ".XXXXXX";
    char *temporary = allocate(size);
    snprintf(temporary, size, "%s.XXXXXX", path);
    const int descriptor = mkstemp(temporary);
    if (descriptor < 0) {
        die_writing(file);
    }
    temporary_path = temporary;
    atexit(remove_temporary);

    const mode_t mask = umask(0);
    umask(mask);
    file->out = fdopen(descriptor, "wb");
    if (fchmod(descriptor, 0666 & ~mask) != 0 || !file->out) {
        die_writing(file);
    }

    file->metadata.stream = open_memstream(&file->metadata.bytes, &file->metadata.size);
    file->tensors.stream = open_memstream(&file->tensors.bytes, &file->tensors.size);
    if (!file->metadata.stream || !file->tensors.stream) {
        die("out of memory");
    }
}

static void write_out(struct gguf_file *file, const void *bytes, size_t n)
{
    if (n && fwrite(bytes, n, 1, file->out) != 1) {
        die_writing(file);
    }
}

uint64_t gguf_file_finish(struct gguf_file *file)
{
    assert(file->data_written == file->data_declared);
    const off_t size = ftello(file->out);
    if (fseeko(file->out, file->checksum_at, SEEK_SET) != 0) {
        die_writing(file);
    }
    const uint32_t checksum = checksum_value(&file->checksum);
    write_out(file, &checksum, sizeof checksum);
    if (fflush(file->out) != 0 || fsync(fileno(file->out)) != 0 || fclose(file->out) != 0) {
        die_writing(file);
    }
    if (rename(temporary_path, file->path) != 0) {
        die_writing(file);
    }
    free(temporary_path);
    temporary_path = NULL;
    return (uint64_t)size;
}

/* ---- Metadata ---- */

static void put(struct gguf_part *part, const void *bytes, size_t n)
{
    if (n && fwrite(bytes, n, 1, part->stream) != 1) {
        die("out of memory");
    }
}

static void put_u32(struct gguf_part *part, uint32_t value)
{
    put(part, &value, sizeof value);
}

static void put_u64(struct gguf_part *part, uint64_t value)
{
    put(part, &value, sizeof value);
}

static void put_string(struct gguf_part *part, const char *bytes, size_t n)
{
    put_u64(part, n);
    put(part, bytes, n);
}

static struct gguf_part *begin_key(struct gguf_file *file, const char *key, enum gguf_value_type type)
{
    file->metadata.count++;
    put_string(&file->metadata, key, strlen(key));
    put_u32(&file->metadata, type);
    return &file->metadata;
}

static struct gguf_part *begin_array(struct gguf_file *file, const char *key, enum gguf_value_type type, uint64_t count)
{
    struct gguf_part *part = begin_key(file, key, GGUF_VALUE_ARRAY);
    put_u32(part, type);
    put_u64(part, count);
    return part;
}

void gguf_file_string(struct gguf_file *file, const char *key, const char *value)
{
    put_string(begin_key(file, key, GGUF_VALUE_STRING), value, strlen(value));
}

void gguf_file_u32(struct gguf_file *file, const char *key, uint32_t value)
{
    put_u32(begin_key(file, key, GGUF_VALUE_U32), value);
}

void gguf_file_f32(struct gguf_file *file, const char *key, float value)
{
    put(begin_key(file, key, GGUF_VALUE_F32), &value, sizeof value);
}

void gguf_file_bool(struct gguf_file *file, const char *key, bool value)
{
    const uint8_t byte = value;
    put(begin_key(file, key, GGUF_VALUE_BOOL), &byte, sizeof byte);
}

void gguf_file_string_array(struct gguf_file *file, const char *key, uint64_t count)
{
    begin_array(file, key, GGUF_VALUE_STRING, count);
}

void gguf_file_string_element(struct gguf_file *file, const char *bytes, size_t n)
{
    put_string(&file->metadata, bytes, n);
}

void gguf_file_f32_array(struct gguf_file *file, const char *key, const float *values, uint64_t count)
{
    put(begin_array(file, key, GGUF_VALUE_F32, count), values, count * sizeof *values);
}

void gguf_file_i32_array(struct gguf_file *file, const char *key, const int32_t *values, uint64_t count)
{
    put(begin_array(file, key, GGUF_VALUE_I32, count), values, count * sizeof *values);
}

/* ---- Tensors ---- */

static uint64_t align(uint64_t n)
{
    return (n + GGUF_ALIGNMENT - 1) / GGUF_ALIGNMENT * GGUF_ALIGNMENT;
}

void gguf_file_tensor(struct gguf_file *file, const char *name, enum gguf_type type, uint64_t rows, uint64_t cols)
{
    struct gguf_part *part = &file->tensors;
    part->count++;
    put_string(part, name, strlen(name));
    put_u32(part, rows == 1 ? 1 : 2); /* dimensions, the contiguous one first */
    put_u64(part, cols);
    if (rows != 1) {
        put_u64(part, rows);
    }
    put_u32(part, type);
    put_u64(part, file->data_declared);

    uint64_t row_bytes = cols * sizeof(float);
    if (type == GGUF_TYPE_Q8_0) {
        assert(cols % Q8_0_BLOCK == 0);
        row_bytes = cols / Q8_0_BLOCK * sizeof(struct q8_0_block);
    }
    file->data_declared += align(rows * row_bytes);
}

static void pad_to_alignment(struct gguf_file *file, uint64_t position)
{
    static const uint8_t zeros[GGUF_ALIGNMENT];
    write_out(file, zeros, align(position) - position);
}

void gguf_file_begin_data(struct gguf_file *file)
{
    struct gguf_part *const metadata = &file->metadata, *const tensors = &file->tensors;
    gguf_file_u32(file, CHECKSUM_KEY, 0); /* the last key: gguf_file_finish knows its value */
    if (fclose(metadata->stream) != 0 || fclose(tensors->stream) != 0) {
        die("out of memory");
    }

    struct {
        char magic[4];
        uint32_t version;
        uint64_t tensors, keys;
    } header = {"GGUF", GGUF_VERSION, tensors->count, metadata->count};
    _Static_assert(sizeof header == 24, "as in the file");

    write_out(file, &header, sizeof header);
    write_out(file, metadata->bytes, metadata->size);
    write_out(file, tensors->bytes, tensors->size);
    pad_to_alignment(file, sizeof header + metadata->size + tensors->size);
    file->checksum_at = (off_t)(sizeof header + metadata->size - sizeof(uint32_t));
    file->checksum = CHECKSUM_START;
    free(metadata->bytes);
    free(tensors->bytes);
}

void gguf_file_data(struct gguf_file *file, const void *bytes, size_t n)
{
    write_out(file, bytes, n);
    checksum_add(&file->checksum, bytes, n);
    file->data_written += n;
}

void gguf_file_end_tensor(struct gguf_file *file)
{
    checksum_pad(&file->checksum);
    pad_to_alignment(file, file->data_written);
    file->data_written = align(file->data_written);
}
