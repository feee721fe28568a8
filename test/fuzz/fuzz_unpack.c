/* Arbitrary bytes as a packed program: unpacking ends and stays within both buffers (the sanitizers see to it). */
#include <stdlib.h>
#include <string.h>

#include "pack/unpack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PROGRAM_MAX = 1024 }; /* whatever the bytes, a stream gives a program as long as it is asked for */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct packed header;
    static struct codec scratch;

    if (size < sizeof header)
        return 0;
    memcpy(&header, data, sizeof header);
    header.bytes %= PROGRAM_MAX;
    header.code %= header.bytes + 2; /* one more than there can be is refused */
    header.packed_bytes = (uint32_t)(size - sizeof header);
    uint8_t *out = malloc(header.bytes + 1);
    struct packed *packed = malloc(size);
    if (out == NULL || packed == NULL)
        abort();
    memcpy(packed, data, size);
    *packed = header;
    unpack(out, header.bytes, packed, &scratch);
    free(packed);
    free(out);
    return 0;
}
