/*
 * What a program's bytes are, so that pack/model.c can foretell them: which field of an x86 instruction comes next.
 *
 * Format: Intel's manual, volume 2, chapter 2 and the opcode maps of appendix A, told apart as far as it pays; prefixes
 * count as instructions of their own. Where it errs it costs size, no more: packer and unpacker err alike.
 */
#ifndef BOOTLLAMA_X86_H
#define BOOTLLAMA_X86_H

#include <stdint.h>

/* To the first three is added how many bytes of the field are still to come, the next one among them. */
enum x86_field {
    X86_VEX,                              /* up to 3 bytes after the first one of a VEX or EVEX prefix */
    X86_DISPLACEMENT = X86_VEX + 4,       /* up to 4 */
    X86_IMMEDIATE = X86_DISPLACEMENT + 5, /* up to 4 */
    X86_OPCODE = X86_IMMEDIATE + 5,
    X86_ESCAPED, /* opcode after 0Fh, VEX or EVEX */
    X86_MODRM,
    X86_SIB,
    X86_DATA, /* no instruction */
    X86_FIELDS,
};

struct x86 {
    uint8_t field; /* enum x86_field of the next byte */
    uint8_t map;   /* of the opcode: 0, or 1 to 3 after an escape */
    uint8_t modrm;
    uint8_t immediate; /* bytes of this instruction's */
    uint16_t opcode;   /* and its map in the high byte */
    uint16_t previous; /* the last instruction's */
};

#define X86_START ((struct x86){.field = X86_OPCODE})

/* Goes on by one byte of code, which is `byte`. */
void x86_next(struct x86 *x86, uint8_t byte);

#endif
