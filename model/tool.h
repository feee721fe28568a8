/* Shared by the command-line tools: exit with one clear line, and memory allocation that cannot fail. */
#ifndef BOOTLLAMA_TOOL_H
#define BOOTLLAMA_TOOL_H

#include <stddef.h>

enum { /* exit codes */
    EXIT_BAD_INPUT = 1, /* a file cannot be read, used or written */
    EXIT_USAGE = 2,     /* the command line is wrong */
};

/* Prints the program's name, ": " and the formatted text as one line to stderr and exits with EXIT_BAD_INPUT.
   atexit handlers still run, so no half-written file stays behind. */
_Noreturn void die(const char *pattern, ...) __attribute__((format(printf, 1, 2)));

/* Returns zeroed memory that the caller frees; dies if there is none. */
void *allocate(size_t bytes);

#endif
