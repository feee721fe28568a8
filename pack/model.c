#include "model.h"

enum {
    CHANCES = 512, /* that a slot tells apart */
    COUNTS = 8,
    COUNT_MAX = 6,
    FIRST_WEIGHT = 28000,
    ERROR_MIN = 128, /* of 4096: smaller errors teach the weights nothing, which saves time */
    LEARN_SHIFT = 11,
};

/* The logistic function by its slope, p (1 - p), in steps of 1/256. */
static void make_chances(struct model *model)
{
    uint32_t chance = 1u << 31;

    for (uint32_t i = 0; i < MODEL_LOGIT_LIMIT; i++) {
        const uint32_t one = chance >> 16;
        model->chance[MODEL_LOGIT_LIMIT + i] = (uint16_t)one;
        model->chance[MODEL_LOGIT_LIMIT - 1 - i] = (uint16_t)(0xFFFF - one);
        chance += one * (0x10000 - one) >> 8;
    }
}

/* A slot's n-th bit takes it 2 / (2 n + 1) of the way there; each after the seventh as far as that. */
static void make_states(struct model *model)
{
    int32_t logit = -MODEL_LOGIT_LIMIT;

    for (int32_t chance = 0; chance < CHANCES; chance++) {
        while (model->chance[MODEL_LOGIT_LIMIT + logit] < chance * (0x10000 / CHANCES)) {
            logit++;
        }
        for (int32_t count = 0; count < COUNTS; count++) {
            const int32_t state = (chance ^ CHANCES / 2) * COUNTS + count, half = count + 1;
            model->logit[state] = (int16_t)logit;
            for (int32_t bit = 0; bit < 2; bit++) {
                const int32_t way = bit * (CHANCES - 1) - chance;
                const int32_t step = (2 * way + (bit ? half : -half)) / (2 * half + 1);
                model->change[bit][state] = (uint16_t)((step * COUNTS + (count < COUNT_MAX)) * MODEL_MARKS);
            }
        }
    }
}

void model_start(struct model *model)
{
    make_chances(model);
    make_states(model);
    for (uint32_t set = 0; set < MODEL_SETS; set++) {
        for (uint32_t i = 0; i < MODEL_INPUTS; i++) {
            model->weight[set][i] = FIRST_WEIGHT;
        }
    }
}

void model_context(struct model *model, uint32_t i, uint32_t hash)
{
    model->place[i] = hash >> (32 - MODEL_SLOT_BITS);
    model->mark[i] = hash % MODEL_MARKS;
}

/* The chance for a sum of weighted logits. Sums that wrap around come from damaged streams alone. */
static uint32_t chance_of(const struct model *model, uint32_t sum)
{
    const int32_t logit = (int32_t)sum >> 16;

    return model->chance[logit < -MODEL_LOGIT_LIMIT  ? 0
                         : logit < MODEL_LOGIT_LIMIT ? logit + MODEL_LOGIT_LIMIT
                                                     : 2 * MODEL_LOGIT_LIMIT - 1];
}

/* One bit. Nearly all of the unpacker's time is here: unrolled loops save a quarter of it. */
static uint32_t code_bit(struct model *model, struct coder *coder, uint32_t node, uint32_t *weights, model_slot *extra,
                         uint32_t bit)
{
    model_slot *slot[MODEL_INPUTS];
    uint32_t input[MODEL_INPUTS], sum = 0;

    slot[MODEL_CONTEXTS] = extra;
#pragma GCC unroll 3
    for (uint32_t i = 0; i < MODEL_CONTEXTS; i++) {
        slot[i] = &model->slots[model->place[i] ^ node];
        if ((*slot[i] ^ model->mark[i]) % MODEL_MARKS != 0) {
            *slot[i] = (model_slot)model->mark[i];
        }
    }
#pragma GCC unroll 4
    for (uint32_t i = 0; i < MODEL_INPUTS; i++) {
        input[i] = (uint32_t)model->logit[*slot[i] / MODEL_MARKS];
        sum += input[i] * weights[i];
    }
    const uint32_t one = chance_of(model, sum);

    bit = coder_bit(coder, one, bit);

#pragma GCC unroll 4
    for (uint32_t i = 0; i < MODEL_INPUTS; i++) {
        *slot[i] += model->change[bit][*slot[i] / MODEL_MARKS];
    }
    const int32_t error = (int32_t)((bit << 16) - one) >> 4;
    if (error >= ERROR_MIN || error <= -ERROR_MIN) {
#pragma GCC unroll 4
        for (uint32_t i = 0; i < MODEL_INPUTS; i++) {
            weights[i] += (uint32_t)((int32_t)(input[i] * (uint32_t)error) >> LEARN_SHIFT);
        }
    }
    return bit;
}

uint8_t model_code(struct model *model, struct coder *coder, uint32_t node, uint32_t set, model_slot *extra,
                   uint8_t value)
{
    uint32_t *weights = model->weight[set];

    do {
        node = node * 2 + code_bit(model, coder, node, weights, &extra[node % MODEL_ALONE], value >> 7);
        weights += MODEL_INPUTS;
        value <<= 1;
    } while (node < MODEL_ALONE);
    return (uint8_t)node;
}
