#include "sector_code.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"

enum { MAP_BYTES_MAX = 1 << 20 };

static size_t read_file(const char *path, void *out, size_t size)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        die("%s: %s", path, strerror(errno));
    }
    const size_t got = fread(out, 1, size, file);
    if (ferror(file)) {
        die("%s: %s", path, strerror(errno));
    }
    fclose(file);
    return got;
}

void sector_code_read(struct sector_code *code, const char *path, const char *map_path)
{
    if (read_file(path, code->bytes, SECTOR_BYTES) != SECTOR_BYTES || code->bytes[510] != 0x55 ||
        code->bytes[511] != 0xAA) {
        die("%s: is not a boot sector", path);
    }
    code->map_path = map_path;
    code->map = allocate(MAP_BYTES_MAX + 1);
    read_file(map_path, code->map, MAP_BYTES_MAX);
}

/* A line of the map is one or two hexadecimal numbers, of equal value here, and the name. */
uint32_t sector_symbol(const struct sector_code *code, const char *name)
{
    const size_t length = strlen(name);
    for (const char *line = code->map; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        const size_t columns = strcspn(line, "\n");
        char *end;
        const unsigned long value = strtoul(line, &end, 16);
        if (end != line && columns > length && memcmp(line + columns - length, name, length) == 0 &&
            line[columns - length - 1] == ' ') {
            return (uint32_t)value;
        }
        if (columns == 0 && line[0] == '\0') {
            break;
        }
    }
    die("%s: has no symbol %s", code->map_path, name);
}

float sector_constant(const struct sector_code *code, const char *name)
{
    const uint32_t offset = sector_symbol(code, name) - sector_symbol(code, "start");
    float value;
    if (offset > SECTOR_BYTES - sizeof value) {
        die("%s: %s lies outside of the sector", code->map_path, name);
    }
    memcpy(&value, code->bytes + offset, sizeof value);
    return value;
}

size_t sector_file_offset(const struct sector_code *code, uint32_t address)
{
    return address - sector_symbol(code, "WEIGHTS") + SECTOR_BYTES;
}

int sector_token(int id)
{
    return id <= ID_BOS ? ID_BOS - id : id;
}

int record_token(int id)
{
    const int swapped[][2] = {{ID_BOS, RECORD_BOS}, {ID_UNKNOWN, RECORD_UNKNOWN}};
    for (size_t i = 0; i < sizeof swapped / sizeof *swapped; i++) {
        if (id == swapped[i][0] || id == swapped[i][1]) {
            return swapped[i][0] + swapped[i][1] - id;
        }
    }
    return id;
}

enum { STRIDE = 256 * SECTOR_BYTES }; /* between the starts of two pieces of the record's stream */

static size_t record_piece(const struct sector_code *code)
{
    return (size_t)sector_symbol(code, "PIECE") * SECTOR_BYTES;
}

static size_t record_stream(const struct sector_code *code)
{
    return (size_t)sector_symbol(code, "STREAM") * SECTOR_BYTES;
}

/* A token's record is the last sector of a piece. */
size_t record_token_offset(const struct sector_code *code, int number)
{
    return ((size_t)number - 1) * SECTOR_BYTES + record_piece(code);
}

size_t record_offset(const struct sector_code *code, size_t index)
{
    const size_t piece = record_piece(code), at = (index - RECORD_FIRST) * sizeof(int16_t);
    return record_stream(code) + at / piece * STRIDE + at % piece;
}

size_t record_image_bytes(const struct sector_code *code, size_t count)
{
    const size_t stream = record_stream(code), last = record_offset(code, count - 1);
    return stream + (last - stream) / STRIDE * STRIDE + record_piece(code);
}

size_t sector_image_bytes(const struct sector_code *code)
{
    return (size_t)sector_symbol(code, "SECTORS") * SECTOR_BYTES;
}
