/* Finds the known word closest to a mistyped one. */
#ifndef BOOTLLAMA_SIMILAR_H
#define BOOTLLAMA_SIMILAR_H

#include <stdint.h>

/* Returns the word of words[0..count) closest to `typed`, the first of several; NULL if none is close. A word is close
   if `typed` abbreviates it or has at most one slip (a letter too many, missing, wrong or swapped with the next) in
   three letters, ignoring case. */
const char *similar_word(const char *typed, const char *const *words, uint32_t count);

#endif
