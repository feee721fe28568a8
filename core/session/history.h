/* Lines entered before, for Up and Down. */
#ifndef BOOTLLAMA_HISTORY_H
#define BOOTLLAMA_HISTORY_H

#include <stdint.h>

#define HISTORY_NONE UINT32_MAX /* no entry: the line that is being typed */

enum { HISTORY_BYTES = 16896 }; /* two of the longest lines */

/* All zero is the state to begin with. An entry is named by its first byte in text. */
struct history {
    uint32_t used;            /* bytes of text */
    char text[HISTORY_BYTES]; /* the lines, each with its NUL, the oldest first */
};

/* Returns the entry before `entry`, which is one or HISTORY_NONE; HISTORY_NONE if there is none. */
uint32_t history_older(const struct history *history, uint32_t entry);

/* Returns the entry after `entry`, HISTORY_NONE after the newest. */
uint32_t history_newer(const struct history *history, uint32_t entry);

/* Adds a line unless it is empty or the newest entry already. The oldest ones make room. */
void history_add(struct history *history, const char *line);

#endif
