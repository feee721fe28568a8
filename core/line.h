/* The prompt line: keys in, one line of UTF-8 out. */
#ifndef BOOTLLAMA_LINE_H
#define BOOTLLAMA_LINE_H

#include "platform.h"

struct line {
    char *text;    /* UTF-8 with NUL; not owned */
    size_t size;   /* bytes at text */
    size_t length; /* bytes in use, without the NUL */
};

/*
 * Takes one key and echoes what it does: characters are added, Backspace takes the last one back, Escape and Ctrl-C
 * empty the line. Returns true when Enter has ended it. A full line takes no more.
 */
bool line_key(struct line *line, struct platform *platform, int key);

#endif
