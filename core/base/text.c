#include "base/text.h"

size_t text_length(const char *text)
{
    size_t n = 0;
    while (text[n] != '\0') {
        n++;
    }
    return n;
}

char text_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool text_equal(const char *a, const char *b)
{
    for (; *a == *b; a++, b++) {
        if (*a == '\0') {
            return true;
        }
    }
    return false;
}

bool text_equal_nocase(const char *a, const char *b)
{
    for (; text_lower(*a) == text_lower(*b); a++, b++) {
        if (*a == '\0') {
            return true;
        }
    }
    return false;
}
