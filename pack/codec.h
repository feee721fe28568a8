/*
 * How a program is told bit by bit: one text for packer and unpacker, which differ in what the coder does.
 *
 * Where the same bytes came before, one bit says whether the byte that followed them comes again. If not, or where they
 * are new, the byte's eight bits follow. What foretells a bit of code is the field of the instruction that it is in
 * (x86.h), alone and with the last byte, the opcode, and that and the opcode before it; in data it is the last 0, 1, 2
 * and 3 bytes. Relative addresses of calls are absolute meanwhile, so that all calls of a function look alike.
 */
#ifndef BOOTLLAMA_CODEC_H
#define BOOTLLAMA_CODEC_H

#include "model.h"
#include "x86.h"

enum { CODEC_HASH_BITS = 11, CODEC_LENGTHS = 17 };

/* Scratch memory, of any content. */
struct codec {
    struct model model;
    uint32_t after[1 << CODEC_HASH_BITS]; /* by the hash of four bytes: the place after those that came last */
    model_slot alone[X86_FIELDS][256];    /* for the bits of a byte, by its field alone */
    model_slot repeats[CODEC_LENGTHS];    /* for the bit that it comes again, by the number that did before it */
};

/* Unpacks program[0..bytes), of which [0..code) is code, or packs what is there. Returns whether the stream was long
   enough; never writes beyond the program. */
bool codec_run(struct codec *codec, struct coder *coder, uint8_t *program, uint32_t bytes, uint32_t code);

/* Adds sign (1 or -1) times its own place to the address of every call in program[0..code). */
void codec_move_calls(uint8_t *program, uint32_t code, int32_t sign);

#endif
