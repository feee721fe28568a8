/*
 * What foretells each bit of a packed program, for packer and unpacker alike: context mixing.
 *
 * Source of the method: M. Mahoney, "Adaptive weighing of context models for lossless data compression" (2005). Every
 * context has a slot that has learnt how likely a 1 is there; the slots' logits, ln(p / (1 - p)), are added up with
 * weights that learn from each error. All of it is in whole numbers, so that it comes out alike everywhere.
 */
#ifndef BOOTLLAMA_MODEL_H
#define BOOTLLAMA_MODEL_H

#include "coder.h"

enum {
    MODEL_CONTEXTS = 3,
    MODEL_INPUTS = MODEL_CONTEXTS + 1, /* and one slot that the caller has */
    MODEL_SETS = 160,                  /* of weights */
    MODEL_SLOT_BITS = 17,
    MODEL_MARKS = 16,
    MODEL_STATES = 1 << 12, /* of a slot, without its mark */
    MODEL_LOGIT_LIMIT = 2048,
    MODEL_ALONE = 0x100, /* a node */
};

/* What is known of a bit. From the top: how likely a 1 is, from -256 to 255; three bits that count the first bits
   seen; a mark of four bits, which tells contexts apart that share the slot. 0 has seen nothing. */
typedef uint16_t model_slot;

struct model {
    model_slot slots[1 << MODEL_SLOT_BITS];
    uint16_t change[2][MODEL_STATES];          /* what a slot adds to itself after a 0 and after a 1 */
    int16_t logit[MODEL_STATES];               /* in units of 1/256 */
    uint16_t chance[2 * MODEL_LOGIT_LIMIT];    /* of a 1 in units of 2^-16, by the logit + MODEL_LOGIT_LIMIT */
    uint32_t weight[MODEL_SETS][MODEL_INPUTS]; /* signed, in units of 2^-16 */
    uint32_t place[MODEL_CONTEXTS], mark[MODEL_CONTEXTS]; /* of the contexts' slots */
};

/* Makes a model that has seen nothing of memory that is all 0. */
void model_start(struct model *model);

/* What comes before the next byte: context number i, as a hash of 32 bits. */
void model_context(struct model *model, uint32_t i, uint32_t hash);

/*
 * Foretells bits, has them packed or unpacked and learns from them: the eight of `value`, highest first, from node 1
 * on; or its highest alone, from node MODEL_ALONE on. Returns them as a number. Each has weights of its own, from
 * number `set` on, and, by its node modulo 256, a slot of extra[] beside those of the contexts.
 */
uint8_t model_code(struct model *model, struct coder *coder, uint32_t node, uint32_t set, model_slot *extra,
                   uint8_t value);

#endif
