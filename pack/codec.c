#include "codec.h"

#include "base/memory.h"

enum {
    GOLDEN = 0x9E3779B1, /* 2^32 over the golden ratio: spreads hashes */
    BITS = 8,
    REPEAT_SET = X86_FIELDS * BITS, /* of weights, after those for each bit in each field */
    MISSING_MAX = 3,                /* bytes: the unpacker reads four ahead, of which the packer writes one */
    CALL = 0xE8,
};

_Static_assert((int)REPEAT_SET < MODEL_SETS, "too few sets of weights");

/* Where the coding is. */
struct state {
    struct codec *codec;
    struct coder *coder;
    uint8_t *program;
    uint32_t at;       /* of the next byte */
    uint32_t code;     /* bytes of it */
    uint32_t recent;   /* the last four bytes, the newest lowest */
    uint32_t expected; /* where the byte is that is expected to come again */
    uint32_t length;   /* how many before it did; 0: none is expected */
    struct x86 x86;
};

static uint32_t hash(uint32_t key)
{
    key *= GOLDEN;
    return key ^ key >> 15;
}

static void find_contexts(struct state *state)
{
    struct model *model = &state->codec->model;
    struct x86 *x86 = &state->x86;

    if (state->at >= state->code) {
        *x86 = (struct x86){
            .field = X86_DATA, .opcode = (uint16_t)state->recent, .previous = (uint8_t)(state->recent >> 16)};
    }
    const uint32_t field = (uint32_t)x86->field << 16;
    model_context(model, 0, hash(1u << 30 | field | (uint8_t)state->recent));
    model_context(model, 1, hash(field | x86->opcode));
    model_context(model, 2, hash(hash(field | x86->opcode) + x86->previous));
}

/* How many bytes before `at` are the same before `there`, as far as they are counted. */
static uint32_t same_before(const uint8_t *program, uint32_t there, uint32_t at)
{
    uint32_t n = 0;

    while (n < CODEC_LENGTHS - 1 && n < there && program[there - 1 - n] == program[at - 1 - n]) {
        n++;
    }
    return n;
}

static void find_expected(struct state *state)
{
    uint32_t *after = &state->codec->after[state->recent * GOLDEN >> (32 - CODEC_HASH_BITS)];

    state->expected = state->length > 0 ? state->expected + 1 : *after;
    state->length = same_before(state->program, state->expected, state->at);
    *after = state->at;
}

static uint8_t code_byte(struct state *state, uint8_t byte)
{
    struct codec *codec = state->codec;

    if (state->length > 0) {
        const uint8_t expected = state->program[state->expected];
        if (model_code(&codec->model, state->coder, MODEL_ALONE, REPEAT_SET, &codec->repeats[state->length],
                       byte == expected ? 0x80 : 0)) {
            return expected;
        }
        state->length = 0;
    }
    return model_code(&codec->model, state->coder, 1, state->x86.field * BITS, codec->alone[state->x86.field], byte);
}

bool codec_run(struct codec *codec, struct coder *coder, uint8_t *program, uint32_t bytes, uint32_t code)
{
    struct state state = {.codec = codec, .coder = coder, .program = program, .code = code, .x86 = X86_START};

    memset(codec, 0, sizeof *codec);
    model_start(&codec->model);
    while (state.at < bytes && coder->missing <= MISSING_MAX) {
        find_contexts(&state);
        const uint8_t byte = code_byte(&state, program[state.at]);
        program[state.at++] = byte;
        state.recent = state.recent << 8 | byte;
        x86_next(&state.x86, byte);
        find_expected(&state);
    }
    return state.at == bytes;
}

void codec_move_calls(uint8_t *program, uint32_t code, int32_t sign)
{
    struct x86 x86 = X86_START;

    for (uint32_t at = 0; at + 4 <= code; at++) {
        if (x86.field == X86_IMMEDIATE + 4 && x86.opcode == CALL) {
            uint32_t address;
            __builtin_memcpy(&address, program + at, sizeof address);
            address += (uint32_t)sign * at;
            __builtin_memcpy(program + at, &address, sizeof address);
        }
        x86_next(&x86, program[at]);
    }
}
