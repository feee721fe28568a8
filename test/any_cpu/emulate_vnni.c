#define _GNU_SOURCE
#include "emulate_vnni.h"

#include <cpuid.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <ucontext.h>

enum {
    FSAVE_BYTES = sizeof(void *) == 4 ? 112 : 0, /* before the XSAVE area in a 32-bit program's frame */
    XMM = 160,                                   /* offsets in the XSAVE area */
    MAGIC = 464,                                 /* where Linux marks that more than FXSAVE's 512 bytes follow */
    XSTATE_MAGIC = 0x46505853,
    XSTATE_BV = 512,
    STATE_SSE = 1, /* bits of XSTATE_BV and parts of CPUID leaf 0Dh */
    STATE_AVX = 2,
    STATE_ZMM = 6, /* the upper halves of ZMM0 to ZMM15 */
    INSTRUCTION_BYTES = 5,
};

#ifdef __x86_64__
enum { INSTRUCTION_POINTER = REG_RIP };
#else
enum { INSTRUCTION_POINTER = REG_EIP };
#endif

struct ymm {
    uint8_t bytes[32];
};

struct operands {
    uint32_t sum, magnitudes, weights; /* numbers of registers */
};

static volatile uint64_t emulated;
static uint32_t avx_offset, zmm_offset; /* in the XSAVE area; zmm_offset 0: there are none */

uint64_t emulated_vnni(void)
{
    return emulated;
}

/* C4 RXB.mmmmm W.vvvv.L.pp 50 modrm: VEX.256.66.0F38.W0 50 /r between registers. R, X, B and vvvv are inverted. */
static bool decode(const uint8_t *code, struct operands *operands)
{
    if (code[0] != 0xC4 || (code[1] & 0x1F) != 2 || (code[2] & 0x87) != 5 || code[3] != 0x50 || code[4] < 0xC0) {
        return false;
    }
    *operands = (struct operands){
        .sum = (code[4] >> 3 & 7) | (code[1] & 0x80 ? 0 : 8),
        .magnitudes = ~code[2] >> 3 & 15,
        .weights = (code[4] & 7) | (code[1] & 0x20 ? 0 : 8),
    };
    return true;
}

static bool is_present(const uint8_t *area, uint32_t state)
{
    return (area[XSTATE_BV] >> state & 1) != 0;
}

static struct ymm read_ymm(const uint8_t *area, uint32_t number)
{
    struct ymm value;
    memcpy(value.bytes, area + XMM + 16 * number, 16);
    memcpy(value.bytes + 16, area + avx_offset + 16 * number, 16);
    return value;
}

/* Bits beyond 255 become zero, as by any VEX instruction. */
static void write_ymm(uint8_t *area, uint32_t number, const struct ymm *value)
{
    memcpy(area + XMM + 16 * number, value->bytes, 16);
    memcpy(area + avx_offset + 16 * number, value->bytes + 16, 16);
    if (zmm_offset != 0 && is_present(area, STATE_ZMM)) {
        memset(area + zmm_offset + 32 * number, 0, 32);
    }
}

/* A part in its initial state is not written to the area: zeros. */
static void complete_state(uint8_t *area)
{
    if (!is_present(area, STATE_SSE)) {
        memset(area + XMM, 0, 16 * 16);
    }
    if (!is_present(area, STATE_AVX)) {
        memset(area + avx_offset, 0, 16 * 16);
    }
    area[XSTATE_BV] |= 1 << STATE_SSE | 1 << STATE_AVX;
}

/* Each lane of 32 bits: sum += four products of an unsigned and a signed byte, without saturation. */
static void compute(struct ymm *sum, const struct ymm *magnitudes, const struct ymm *weights)
{
    for (uint32_t lane = 0; lane < sizeof sum->bytes; lane += 4) {
        uint32_t total;
        memcpy(&total, sum->bytes + lane, 4);
        for (uint32_t i = lane; i < lane + 4; i++) {
            total += (uint32_t)(magnitudes->bytes[i] * (int8_t)weights->bytes[i]);
        }
        memcpy(sum->bytes + lane, &total, 4);
    }
}

static void execute(uint8_t *area, const struct operands *operands)
{
    complete_state(area);
    struct ymm sum = read_ymm(area, operands->sum);
    const struct ymm magnitudes = read_ymm(area, operands->magnitudes), weights = read_ymm(area, operands->weights);
    compute(&sum, &magnitudes, &weights);
    write_ymm(area, operands->sum, &sum);
}

/* Any other illegal instruction traps again and ends the program. */
static void on_illegal_instruction(int number, siginfo_t *info, void *opaque)
{
    (void)info;
    ucontext_t *context = opaque;
    greg_t *next = &context->uc_mcontext.gregs[INSTRUCTION_POINTER];
    const uint8_t *code = (const uint8_t *)*next;
    const uint32_t skipped = code[0] == 0x0F && code[1] == 0x0B ? 2 : 0;
    uint8_t *area = (uint8_t *)context->uc_mcontext.fpregs + FSAVE_BYTES;
    uint32_t magic;
    struct operands operands;
    memcpy(&magic, area + MAGIC, sizeof magic);
    if (magic != XSTATE_MAGIC || !decode(code + skipped, &operands)) {
        signal(number, SIG_DFL);
        return;
    }
    execute(area, &operands);
    *next += skipped + INSTRUCTION_BYTES;
    emulated++;
}

static uint32_t state_offset(uint32_t state)
{
    uint32_t size, offset, flags, unused;
    __cpuid_count(0xD, state, size, offset, flags, unused);
    return size == 0 ? 0 : offset;
}

void emulate_vnni(void)
{
    const struct sigaction action = {.sa_sigaction = on_illegal_instruction, .sa_flags = SA_SIGINFO};
    avx_offset = state_offset(STATE_AVX);
    zmm_offset = state_offset(STATE_ZMM);
    sigaction(SIGILL, &action, NULL);
}
