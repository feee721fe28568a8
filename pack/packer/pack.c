/*
 * The packer, a program of the build machine: pack PROGRAM PACKED CODE_BYTES makes what unpack.c unpacks. CODE_BYTES
 * says how much of the program, from its first byte on, is machine code; a wrong number only costs size.
 */
#include <stdio.h>
#include <stdlib.h>

#include "pack/crc.h"
#include "pack/unpack.h"

enum {
    PROGRAM_MAX = 1 << 24,
    EXPANSION_MAX = 16, /* every bit takes 12 at most: the chances of model.h stop at 2^-12 */
};

static _Noreturn void die(const char *what, const char *name)
{
    fprintf(stderr, "pack: %s: %s\n", name, what);
    exit(EXIT_FAILURE);
}

static void *allocate(size_t bytes)
{
    void *memory = calloc(1, bytes);
    if (memory == NULL) {
        die("no memory", "the program");
    }
    return memory;
}

static uint8_t *read_file(const char *name, uint32_t *bytes)
{
    FILE *file = fopen(name, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0) {
        die("cannot be read", name);
    }
    const long end = ftell(file);
    if (end < 0 || end > PROGRAM_MAX) {
        die("too long", name);
    }
    uint8_t *content = allocate((size_t)end + 1);
    rewind(file);
    if (fread(content, 1, (size_t)end, file) != (size_t)end) {
        die("cannot be read", name);
    }
    fclose(file);
    *bytes = (uint32_t)end;
    return content;
}

static void write_file(const char *name, const struct packed *header, const uint8_t *stream)
{
    FILE *file = fopen(name, "wb");
    if (file == NULL || fwrite(header, sizeof *header, 1, file) != 1 ||
        fwrite(stream, 1, header->packed_bytes, file) != header->packed_bytes || fclose(file) != 0) {
        die("cannot be written", name);
    }
}

int main(int count, char **arguments)
{
    if (count != 4) {
        die("PROGRAM PACKED CODE_BYTES", "usage");
    }
    struct packed header = {0};
    uint8_t *program = read_file(arguments[1], &header.bytes);
    const unsigned long code = strtoul(arguments[3], NULL, 0);
    uint8_t *stream = allocate((size_t)header.bytes * EXPANSION_MAX + 1);
    struct coder coder = {.packs = true, .next = stream, .high = UINT32_MAX};
    struct codec *codec = allocate(sizeof *codec);

    header.code = code < header.bytes ? (uint32_t)code : header.bytes;
    header.crc = crc_of(program, header.bytes);
    codec_move_calls(program, header.code, 1);
    codec_run(codec, &coder, program, header.bytes, header.code);
    *coder.next++ = (uint8_t)(coder.high >> 24); /* and zeros after it: a number between low and high */
    header.packed_bytes = (uint32_t)(coder.next - stream);
    write_file(arguments[2], &header, stream);
    return EXIT_SUCCESS;
}
