/* A GGUF file's header: magic, version and counts, then keys (keys.h), then tensors (tensors.h). */
#include "gguf/header.h"

#include "base/memory.h"
#include "base/model_file.h"
#include "gguf/input.h"
#include "gguf/keys.h"
#include "gguf/tensors.h"

/* The fewest bytes of one entry: an empty key and a one-byte value; an empty name and one dimension. */
enum { KEY_BYTES_MIN = 8 + 4 + 1, TENSOR_BYTES_MIN = 8 + 4 + 8 + 4 + 8 };

static int read_version(struct gguf_input *in)
{
    uint8_t magic[MODEL_FILE_MAGIC_BYTES] = {0};
    uint32_t version;
    if (reader_left(in->reader) >= sizeof magic && reader_get(in->reader, magic, sizeof magic, in->error) != 0) {
        return -1;
    }
    if (!model_file_begins(magic)) {
        return error_set(in->error, "%s: not a GGUF model file", in->reader->path);
    }
    if (gguf_get_u32(in, &version) != 0) {
        return -1;
    }
    if (version != 2 && version != 3) { /* this also catches big-endian files: their 3 reads 50331648 */
        return error_set(in->error, "%s: GGUF version %u; supported are 2 and 3, little-endian", in->reader->path,
                         version);
    }
    in->gguf->version = version;
    return 0;
}

static int check_count(struct gguf_input *in, const char *what, uint64_t count, uint32_t bytes_each)
{
    if (!gguf_fits(in, count, bytes_each)) {
        return gguf_refuse(in, what, "number %llu, more than the file can hold; copy it again",
                           (unsigned long long)count);
    }
    return 0;
}

/* Reads what every part begins with, to the numbers of its tensors and keys. */
static int read_counts(struct gguf_input *in, uint64_t *tensors, uint64_t *keys)
{
    if (read_version(in) != 0 || gguf_get_u64(in, tensors) != 0 || gguf_get_u64(in, keys) != 0 ||
        check_count(in, "keys", *keys, KEY_BYTES_MIN) != 0) {
        return -1;
    }
    return check_count(in, "tensors", *tensors, TENSOR_BYTES_MIN);
}

/* Reads the other parts of a split model, whose first one has `tensors` tensors, and goes back to it. */
static int read_parts(struct gguf_input *in, const struct gguf_split *split, uint64_t tensors)
{
    uint64_t here, keys;
    for (uint32_t part = 1; part < split->count; part++) {
        if (reader_add_part(in->reader, in->error) != 0 || read_counts(in, &here, &keys) != 0 ||
            gguf_read_part_keys(in, keys, split, part) != 0 || gguf_read_tensors(in, here) != 0) {
            return -1;
        }
        tensors += here;
    }
    if (reader_seek(in->reader, 0, in->error) != 0) {
        return -1;
    }
    if (split->count > 1 && tensors != split->tensors) {
        return gguf_refuse(in, "split.tensors.count", "is %u, but its parts hold %llu; copy all of them again",
                           split->tensors, (unsigned long long)tensors);
    }
    return 0;
}

int gguf_read(struct gguf *gguf, struct reader *reader, struct error *error)
{
    struct gguf_input in = {gguf, reader, error, 0};
    struct gguf_split split;
    uint64_t tensors, keys;
    memset(gguf, 0, sizeof *gguf);
    gguf->file_type = UINT32_MAX;
    if (reader->limit >> 58 != 0) {
        return error_set(error, "%s: a size of %llu bytes is impossible", reader->path,
                         (unsigned long long)reader->limit);
    }
    if (reader_seek(reader, 0, error) != 0 || read_counts(&in, &tensors, &keys) != 0 ||
        gguf_read_keys(&in, keys, &split) != 0) {
        return -1;
    }
    gguf_begin_tensors(gguf);
    if (gguf_read_tensors(&in, tensors) != 0 || read_parts(&in, &split, tensors) != 0) {
        return -1;
    }
    gguf->bytes = reader_total(reader);
    gguf->parts = reader->parts;
    if (gguf_check_tensors(&in) != 0) {
        return -1;
    }
    gguf->file_type = gguf->file_type != UINT32_MAX ? gguf->file_type : gguf_guess_kind(gguf);
    return 0;
}
