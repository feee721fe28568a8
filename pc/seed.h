/* Combines several numbers that change from one power-on to the next into one. */
#ifndef BOOTLLAMA_PC_SEED_H
#define BOOTLLAMA_PC_SEED_H

#include <stdint.h>

/* Mixes `value` into `seed`, so that every bit of either changes many bits of the result. The constants are those of
   SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014). */
static inline uint64_t seed_mix(uint64_t seed, uint64_t value)
{
    seed = (seed ^ value) + 0x9E3779B97F4A7C15u;
    seed = (seed ^ seed >> 30) * 0xBF58476D1CE4E5B9u;
    seed = (seed ^ seed >> 27) * 0x94D049BB133111EBu;
    return seed ^ seed >> 31;
}

#endif
