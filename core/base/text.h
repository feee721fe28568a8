/* NUL-terminated text: length and comparison. */
#ifndef BOOTLLAMA_TEXT_H
#define BOOTLLAMA_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Returns bytes before the NUL. */
size_t text_length(const char *text);

/* Returns the small letter of an ASCII capital, any other byte unchanged. */
char text_lower(char c);

bool text_equal(const char *a, const char *b);

/* Comparison ignores the case of ASCII letters. */
bool text_equal_nocase(const char *a, const char *b);

#endif
