#define _GNU_SOURCE /* program_invocation_short_name */
#include "tool.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void die(const char *pattern, ...)
{
    va_list arguments;
    va_start(arguments, pattern);
    fprintf(stderr, "%s: ", program_invocation_short_name);
    vfprintf(stderr, pattern, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(EXIT_BAD_INPUT);
}

void *allocate(size_t bytes)
{
    void *memory = calloc(1, bytes ? bytes : 1);
    if (!memory) {
        die("out of memory: %zu bytes asked for", bytes);
    }
    return memory;
}
