/*
 * memcpy, memmove, memset and memcmp by string instructions: small, fast from the 486 to the newest CPU, and quick
 * under emulation, where a repeated instruction costs the same for a byte as for a word.
 */
#include "base/memory.h"

#include <stdint.h>

/* GCC must not turn a loop below into a call of the function that contains it. Clang leaves it alone when
   freestanding. */
#ifdef __clang__
#define OWN_LOOP
#else
#define OWN_LOOP __attribute__((optimize("no-tree-loop-distribute-patterns")))
#endif

#ifdef __x86_64__
#define MOVE_WORDS "rep movsq"
#define STORE_WORDS "rep stosq"
#else
#define MOVE_WORDS "rep movsl"
#define STORE_WORDS "rep stosl"
#endif

void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
    void *target = to;
    size_t words = n / sizeof(uintptr_t), tail = n % sizeof(uintptr_t);
    __asm__ volatile(MOVE_WORDS : "+D"(target), "+S"(from), "+c"(words) : : "memory");
    __asm__ volatile("rep movsb" : "+D"(target), "+S"(from), "+c"(tail) : : "memory");
    return to;
}

OWN_LOOP void *memmove(void *to, const void *from, size_t n)
{
    uint8_t *target = to;
    const uint8_t *source = from;
    if ((uintptr_t)target - (uintptr_t)source >= n) { /* `to` is not inside the source: front to back is safe */
        return memcpy(to, from, n);
    }
    while (n > 0) { /* a plain loop: no interrupt handler ever sees the direction flag set */
        n--;
        target[n] = source[n];
    }
    return to;
}

void *memset(void *to, int value, size_t n)
{
    void *target = to;
    uintptr_t pattern = (uintptr_t)-1 / 0xFF * (uint8_t)value; /* the byte in every position */
    size_t words = n / sizeof(uintptr_t), tail = n % sizeof(uintptr_t);
    __asm__ volatile(STORE_WORDS : "+D"(target), "+c"(words) : "a"(pattern) : "memory");
    __asm__ volatile("rep stosb" : "+D"(target), "+c"(tail) : "a"(pattern) : "memory");
    return to;
}

OWN_LOOP int memcmp(const void *a, const void *b, size_t n)
{
    const uint8_t *left = a, *right = b;
    for (size_t i = 0; i < n; i++) {
        if (left[i] != right[i]) {
            return left[i] < right[i] ? -1 : 1;
        }
    }
    return 0;
}
