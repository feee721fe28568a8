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

int gguf_read(struct gguf *gguf, struct reader *reader, struct error *error)
{
    struct gguf_input in = {gguf, reader, error, 0};
    uint64_t tensors, keys;
    memset(gguf, 0, sizeof *gguf);
    if (reader->limit >> 58 != 0) {
        return error_set(error, "%s: a size of %llu bytes is impossible", reader->path,
                         (unsigned long long)reader->limit);
    }
    if (reader_seek(reader, 0, error) != 0 || read_version(&in) != 0 || gguf_get_u64(&in, &tensors) != 0 ||
        gguf_get_u64(&in, &keys) != 0 || check_count(&in, "keys", keys, KEY_BYTES_MIN) != 0 ||
        check_count(&in, "tensors", tensors, TENSOR_BYTES_MIN) != 0 || gguf_read_keys(&in, keys) != 0) {
        return -1;
    }
    return gguf_read_tensors(&in, tensors);
}
