/* Format: DMTF DSP0134. A BIOS has the entry point below 1 MiB; the tables may be anywhere below 4 GiB. */
#include "smbios.h"

#include <stdbool.h>
#include <stdint.h>

#include "base/format.h"
#include "base/text.h"
#include "base/utf8.h"
#include "io.h"
#include "pc/bytes.h"

enum {
    SEARCH_START = 0xF0000,
    SEARCH_END = 0x100000,
    SEARCH_STEP = 16,
    ANCHOR_2 = 0x5F4D535F, /* "_SM_": length at 5, table's length (16 bit) at 16h and address at 18h */
    ANCHOR_3 = 0x334D535F, /* "_SM3": length at 6, table's length (32 bit) at 0Ch and address (64 bit) at 10h */
    ENTRY_POINT_MAX = 0x20,
    TABLE_BYTES_MAX = 65536,
    TYPE_BIOS = 0, /* number of the vendor's string at 4, of the version's at 5 */
    TYPE_END = 127,
    STRING_MAX = 64,
};

static bool is_whole(uint32_t address, uint8_t length)
{
    return length > 0 && length <= ENTRY_POINT_MAX && bytes_sum_to_zero((const uint8_t *)memory_at(address), length);
}

/* Finds the structure table: its address, 0 if there is none, and its length. */
static uint32_t find_table(uint32_t *length)
{
    for (uint32_t at = SEARCH_START; at < SEARCH_END - ENTRY_POINT_MAX; at += SEARCH_STEP) {
        uint32_t anchor = memory_read32(at);
        if (anchor == ANCHOR_2 && is_whole(at, memory_read8(at + 5))) {
            *length = memory_read16(at + 0x16);
            return memory_read32(at + 0x18);
        }
        if (anchor == ANCHOR_3 && is_whole(at, memory_read8(at + 6)) && memory_read32(at + 0x14) == 0) {
            *length = memory_read32(at + 0x0C);
            return memory_read32(at + 0x10);
        }
    }
    return 0;
}

/* Appends string `number` (from 1; 0 = none) of the strings in [at, end) to out, without spaces around it. */
static void append_string(uint32_t at, uint32_t end, uint8_t number, char *out, size_t size)
{
    uint8_t text[STRING_MAX];
    char clean[STRING_MAX + 1];
    size_t n = 0, used = text_length(out);

    for (; number > 1 && at < end; number--) {
        while (at < end && memory_read8(at++) != 0) {}
    }
    while (number != 0 && at < end && n < sizeof text && memory_read8(at) != 0) {
        uint8_t byte = memory_read8(at++);
        if (n > 0 || byte != ' ') {
            text[n++] = byte;
        }
    }
    while (n > 0 && text[n - 1] == ' ') {
        n--;
    }
    utf8_printable(clean, sizeof clean, text, n);
    if (n > 0) {
        format(out + used, size - used, "%s%s", used > 0 ? " " : "", clean);
    }
}

void smbios_vendor(char *out, size_t size)
{
    uint32_t length = 0, at = find_table(&length), end;

    out[0] = 0;
    if (length > TABLE_BYTES_MAX) {
        length = TABLE_BYTES_MAX;
    }
    for (end = at + length; at != 0 && at + 6 < end;) {
        uint8_t type = memory_read8(at), bytes = memory_read8(at + 1);
        if (type == TYPE_END || bytes < 4) {
            return;
        }
        if (type == TYPE_BIOS) {
            append_string(at + bytes, end, memory_read8(at + 4), out, size);
            append_string(at + bytes, end, memory_read8(at + 5), out, size);
            return;
        }
        at += bytes; /* to its strings, which end with an empty one */
        while (at + 1 < end && memory_read16(at) != 0) {
            at++;
        }
        at += 2;
    }
}
