/* Finds the word that was meant: a known one close to a mistyped one. */
#ifndef BOOTLLAMA_SIMILAR_H
#define BOOTLLAMA_SIMILAR_H

#include <stdint.h>

/* Returns the word of words[0..count) closest to `typed`, the first of equals; NULL if none is close. Close is an
   abbreviation, or at most one slip (a letter too many, missing, wrong or swapped with the next) in three letters; case
   does not count. */
const char *similar_word(const char *typed, const char *const *words, uint32_t count);

#endif
