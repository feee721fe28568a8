/*
 * A split model whose other part is arbitrary bytes, followed by zeros: whatever it says, it is refused in one line
 * with its path, or every tensor lies in its part and can be read to its last byte. The first part is the sample's.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "gguf/header.h"
#include "memory_platform.h"
#include "sample_model.h"

enum { ZEROS = 24096, INPUT_MAX = 1 << 16, WINDOW = 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct gguf gguf;

static void read_tensors(struct reader *reader)
{
    struct error error;
    uint8_t byte;
    for (uint32_t id = 0; id < gguf.tensor_count; id++) {
        const struct gguf_tensor *tensor = &gguf.tensor[id];
        if (tensor->type != GGUF_TYPE_ABSENT &&
            (reader_seek(reader, tensor->offset, &error) != 0 || reader->part != tensor->part ||
             reader_skip(reader, tensor->size - 1, &error) != 0 || reader_get(reader, &byte, 1, &error) != 0)) {
            abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct change none[SAMPLE_CHANGES];
    static uint8_t *first, bytes[INPUT_MAX + ZEROS], window[WINDOW];
    static size_t first_size;
    struct memory_platform platform;
    struct reader reader;
    struct error error;
    if (size > INPUT_MAX) {
        return 0;
    }
    if (first == NULL) {
        first = sample_part(none, 0, 2, &first_size);
    }
    memcpy(bytes, data, size);
    memset(bytes + size, 0, ZEROS);
    const struct memory_file files[] = {{"/S-00001-of-00002.gguf", first, first_size},
                                        {"/S-00002-of-00002.gguf", bytes, size + ZEROS}};
    memory_platform_init(&platform, files, 2);
    if (reader_open(&reader, &platform.platform, files[0].path, window, sizeof window, &error) != 0) {
        abort();
    }
    if (gguf_read(&gguf, &reader, &error) == 0) {
        read_tensors(&reader);
    } else if (strncmp(error.text, "/S-0000", 7) != 0 || strncmp(error.text + 8, "-of-00002.gguf: ", 16) != 0) {
        abort();
    }
    reader_close(&reader);
    if (platform.open_files != 0) {
        abort();
    }
    return 0;
}
