#include "fat_name.h"

#include "base/memory.h"
#include "base/text.h"
#include "base/utf16.h"
#include "base/utf8.h"

/* Appends a code point in UTF-8; false, with nothing written, if it and a NUL do not fit. */
static bool append(char *out, size_t size, size_t *used, uint32_t code_point)
{
    char bytes[UTF8_MAX];
    size_t n = utf8_encode(bytes, code_point);

    if (*used + n >= size) {
        return false;
    }
    memcpy(out + *used, bytes, n);
    *used += n;
    out[*used] = 0;
    return true;
}

/* ---- Long names ---- */

void fat_name_add_slot(struct fat_long_name *name, const uint8_t *slot)
{
    static const uint8_t places[FAT_LONG_SLOT_UNITS] = {1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30};
    uint8_t flags = slot[FAT_LONG_NUMBER], checksum = slot[FAT_LONG_CHECKSUM];
    uint32_t number = flags & ~(uint32_t)FAT_LONG_NUMBER_LAST;

    if ((flags & FAT_LONG_NUMBER_LAST) != 0) {
        name->valid = number >= 1 && number <= FAT_LONG_SLOTS_MAX;
        name->missing = number;
        name->count = number * FAT_LONG_SLOT_UNITS;
        name->checksum = checksum;
    }
    if (!name->valid || number != name->missing || name->missing == 0 || checksum != name->checksum) {
        name->valid = false;
        return;
    }
    name->missing--;
    for (uint32_t i = 0; i < FAT_LONG_SLOT_UNITS; i++) {
        name->units[name->missing * FAT_LONG_SLOT_UNITS + i] = (uint16_t)fat_get16(slot + places[i]);
    }
}

/* Old versions of DOS rename a file without its long name: the checksum of the short name detects that. */
static bool belongs(const struct fat_long_name *name, const uint8_t *slot)
{
    uint8_t sum = 0;

    for (int i = 0; i < FAT_SLOT_NAME_BYTES; i++) {
        sum = (uint8_t)((sum << 7 | sum >> 1) + slot[FAT_SLOT_NAME + i]);
    }
    return name->valid && name->missing == 0 && sum == name->checksum;
}

bool fat_name_write_long(const struct fat_long_name *name, const uint8_t *slot, char out[FAT_NAME_MAX])
{
    const uint16_t *at = name->units, *end = at + name->count;
    size_t used = 0;

    if (!belongs(name, slot)) {
        return false;
    }
    while (at < end && *at != 0) {
        if (!append(out, FAT_NAME_MAX, &used, utf16_next(&at, end))) {
            return false;
        }
    }
    return used > 0;
}

/* ---- Short names ---- */

/* One part of a short name, padded with spaces on the disk. */
static void append_part(const uint8_t *bytes, int n, bool lower, const uint16_t *oem, char *out, size_t *used)
{
    while (n > 0 && bytes[n - 1] == ' ') {
        n--;
    }
    for (int i = 0; i < n; i++) {
        uint32_t c = bytes[i] >= 0x80 ? oem[bytes[i] - 0x80] : bytes[i];
        append(out, FAT_SHORT_NAME_MAX, used, lower && c < 0x80 ? (uint32_t)text_lower((char)c) : c);
    }
}

void fat_name_write_short(const uint8_t *slot, const uint16_t *oem, char out[FAT_SHORT_NAME_MAX])
{
    uint8_t name[FAT_SLOT_NAME_BYTES];
    uint8_t cases = slot[FAT_SLOT_CASE];
    size_t used = 0;

    memcpy(name, slot + FAT_SLOT_NAME, sizeof name);
    if (name[0] == FAT_NAME_E5) {
        name[0] = 0xE5;
    }
    out[0] = 0;
    append_part(name, FAT_SLOT_BASE_BYTES, (cases & FAT_CASE_LOWER_BASE) != 0, oem, out, &used);
    if (name[FAT_SLOT_BASE_BYTES] != ' ') {
        append(out, FAT_SHORT_NAME_MAX, &used, '.');
        append_part(name + FAT_SLOT_BASE_BYTES, FAT_SLOT_NAME_BYTES - FAT_SLOT_BASE_BYTES,
                    (cases & FAT_CASE_LOWER_EXTENSION) != 0, oem, out, &used);
    }
}

/* ---- Comparing ---- */

static uint32_t fold(uint32_t c)
{
    bool by_32 = (c >= 0xC0 && c <= 0xDE && c != 0xD7) || (c >= 0x391 && c <= 0x3A9) || (c >= 0x410 && c <= 0x42F);

    if (c < 0x80) {
        return (uint32_t)text_lower((char)c);
    }
    return by_32 ? c + 32 : c >= 0x400 && c <= 0x40F ? c + 80 : c;
}

bool fat_name_equal(const char *name, const char *part, size_t n)
{
    const char *name_end = name + text_length(name), *part_end = part + n;

    while (name < name_end && part < part_end) {
        if (fold(utf8_next(&name, name_end)) != fold(utf8_next(&part, part_end))) {
            return false;
        }
    }
    return name == name_end && part == part_end;
}
