/*
 * Division of 64-bit numbers, which GCC calls by these names on 32-bit machines. The compiler's own library cannot be
 * used: Debian builds it for processors with CMOV and SSE, and this code must run on a 486, and under UEFI before SSE
 * is on.
 */
#include <stdint.h>

uint64_t __udivmoddi4(uint64_t n, uint64_t d, uint64_t *rest);
uint64_t __udivdi3(uint64_t n, uint64_t d);
uint64_t __umoddi3(uint64_t n, uint64_t d);
int64_t __divdi3(int64_t n, int64_t d);
int64_t __moddi3(int64_t n, int64_t d);

/* (high:low) / d, high < d, with one instruction. */
static uint32_t divide_step(uint32_t high, uint32_t low, uint32_t d, uint32_t *rest)
{
    uint32_t quotient;
    __asm__("divl %4" : "=a"(quotient), "=d"(*rest) : "a"(low), "d"(high), "rm"(d) : "cc");
    return quotient;
}

uint64_t __udivmoddi4(uint64_t n, uint64_t d, uint64_t *rest)
{
    if (d >> 32 == 0) {
        uint32_t divisor = (uint32_t)d, left;
        uint32_t high = divide_step(0, (uint32_t)(n >> 32), divisor, &left);
        uint32_t low = divide_step(left, (uint32_t)n, divisor, &left);
        if (rest) {
            *rest = left;
        }
        return (uint64_t)high << 32 | low;
    }
    uint32_t quotient = 0; /* below 2^32, since d is not: long division, bit by bit */
    for (int shift = __builtin_clz((uint32_t)(d >> 32)); shift >= 0; shift--) {
        if (n >= d << shift) {
            n -= d << shift;
            quotient |= 1u << shift;
        }
    }
    if (rest) {
        *rest = n;
    }
    return quotient;
}

uint64_t __udivdi3(uint64_t n, uint64_t d)
{
    return __udivmoddi4(n, d, 0);
}

uint64_t __umoddi3(uint64_t n, uint64_t d)
{
    uint64_t rest;
    __udivmoddi4(n, d, &rest);
    return rest;
}

static uint64_t magnitude(int64_t value)
{
    return value < 0 ? -(uint64_t)value : (uint64_t)value;
}

int64_t __divdi3(int64_t n, int64_t d)
{
    uint64_t quotient = __udivmoddi4(magnitude(n), magnitude(d), 0);
    return (n < 0) != (d < 0) ? (int64_t)-quotient : (int64_t)quotient;
}

int64_t __moddi3(int64_t n, int64_t d)
{
    uint64_t rest;
    __udivmoddi4(magnitude(n), magnitude(d), &rest);
    return n < 0 ? (int64_t)-rest : (int64_t)rest;
}
