/* Arbitrary bytes as a packed program: unpacking ends and stays within both buffers (the sanitizers see to it). */
#include <stdlib.h>
#include <string.h>

#include "pack/unpack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PROGRAM_MAX = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct packed header;
    struct lzma_model scratch;

    if (size < sizeof header)
        return 0;
    memcpy(&header, data, sizeof header);
    header.bytes %= PROGRAM_MAX;
    header.packed_bytes = (uint32_t)(size - sizeof header);
    uint8_t *out = malloc(header.bytes + 1);
    struct packed *packed = malloc(size);
    if (out == NULL || packed == NULL)
        abort();
    memcpy(packed, data, size);
    *packed = header;
    unpack(out, packed, &scratch);
    free(packed);
    free(out);
    return 0;
}
