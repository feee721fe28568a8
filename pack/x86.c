#include "x86.h"

#include <stdbool.h>

enum {
    ESCAPE = 0x0F,
    VEX2 = 0xC5, /* of two, three and, EVEX, four bytes */
    VEX3 = 0xC4,
    EVEX = 0x62,
    MAPS = 3,            /* in the second byte of those: number of the map */
    OPERAND_SIZE = 0x66, /* prefix: immediates of 4 bytes have 2 */
    TEST_GROUP = 0xF6,   /* and F7h: of its members only TEST has an immediate */
    MEMBER = 0x38,       /* in ModRM */
};

/* The opcode maps: a row for each high digit, in it a bit for each low one. */
static const uint16_t has_modrm[] = {0x0F0F, 0x0F0F, 0x0F0F, 0x0F0F, 0,      0,      0x0A0C, 0,
                                     0xFFFF, 0,      0,      0,      0x00C3, 0xFF0F, 0,      0xC0C0};
static const uint16_t has_byte[] = {0x1010, 0x1010, 0x1010, 0x1010, 0,      0, 0x0C00, 0xFFFF,
                                    0x000D, 0,      0x0100, 0x00FF, 0x2043, 0, 0x08FF, 0x0040};
static const uint16_t has_dword[] = {0x2020, 0x2020, 0x2020, 0x2020, 0,      0, 0x0300, 0,
                                     0x0002, 0,      0x020F, 0xFF00, 0x0080, 0, 0x0300, 0x0080};
static const uint16_t escaped_has_byte[] = {0, 0, 0, 0, 0, 0, 0, 0x000F, 0, 0, 0x1010, 0x0400, 0x0074, 0, 0, 0};

static bool in(const uint16_t *rows, uint8_t opcode)
{
    return rows[opcode / 16] >> opcode % 16 & 1;
}

static void opcode(struct x86 *x86, uint8_t byte)
{
    bool modrm = true, one = x86->map == MAPS, four = false;

    if (x86->map == 0) {
        modrm = in(has_modrm, byte);
        one = in(has_byte, byte);
        four = in(has_dword, byte);
    } else if (x86->map == 1) {
        four = byte >> 4 == 8; /* conditional jumps */
        modrm = !four;
        one = in(escaped_has_byte, byte);
    }
    x86->opcode = (uint16_t)(x86->map << 8 | byte);
    x86->immediate = one ? 1 : !four ? 0 : x86->previous == OPERAND_SIZE ? 2 : 4;
    x86->field = modrm ? X86_MODRM : X86_DISPLACEMENT;
}

static void first_byte(struct x86 *x86, uint8_t byte)
{
    x86->map = byte == ESCAPE || byte == VEX2;
    if (byte == ESCAPE) {
        x86->field = X86_ESCAPED;
    } else if (byte == VEX2 || byte == VEX3 || byte == EVEX) {
        x86->field = byte == EVEX ? X86_VEX + 3 : X86_VEX + 1 + (byte == VEX3);
    } else {
        opcode(x86, byte);
    }
}

static void displacement(struct x86 *x86, uint8_t base)
{
    const uint8_t mode = x86->modrm >> 6;

    x86->field = (uint8_t)(X86_DISPLACEMENT + (mode == 1 ? 1 : mode == 2 || (mode == 0 && base % 8 == 5) ? 4 : 0));
}

static void modrm(struct x86 *x86, uint8_t byte)
{
    x86->modrm = byte;
    if ((x86->opcode & ~1) == TEST_GROUP && (byte & MEMBER) != 0) {
        x86->immediate = 0;
    }
    if (byte < 0xC0 && byte % 8 == 4) {
        x86->field = X86_SIB;
    } else {
        displacement(x86, byte);
    }
}

/* Goes on to the next field where one is over. */
static void settle(struct x86 *x86)
{
    if (x86->field == X86_VEX) {
        x86->field = X86_ESCAPED;
    }
    if (x86->field == X86_DISPLACEMENT) {
        x86->field = X86_IMMEDIATE + x86->immediate;
    }
    if (x86->field == X86_IMMEDIATE) {
        x86->field = X86_OPCODE;
        x86->previous = x86->opcode;
    }
}

void x86_next(struct x86 *x86, uint8_t byte)
{
    if (x86->field == X86_OPCODE) {
        first_byte(x86, byte);
    } else if (x86->field == X86_ESCAPED) {
        opcode(x86, byte);
    } else if (x86->field == X86_MODRM) {
        modrm(x86, byte);
    } else if (x86->field == X86_SIB) {
        displacement(x86, byte);
    } else {
        if (x86->map == 0 && x86->field < X86_DISPLACEMENT) {
            x86->map = byte & MAPS;
        }
        x86->field--;
    }
    settle(x86);
}
