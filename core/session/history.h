/* The lines entered so far, for Up and Down. */
#ifndef BOOTLLAMA_HISTORY_H
#define BOOTLLAMA_HISTORY_H

#include <stdint.h>

#define HISTORY_NONE UINT32_MAX /* no entry: the line being typed */

enum { HISTORY_BYTES = 16896 }; /* two of the longest lines */

/* Starts as all zeros. An entry is identified by the index of its first byte in text. */
struct history {
    uint32_t used;            /* bytes of text */
    char text[HISTORY_BYTES]; /* the lines, each with its NUL, the oldest first */
};

/* Returns the entry before `entry`, or the newest for HISTORY_NONE; HISTORY_NONE if there is none. */
uint32_t history_older(const struct history *history, uint32_t entry);

/* Returns the entry after `entry`, HISTORY_NONE after the newest. */
uint32_t history_newer(const struct history *history, uint32_t entry);

/* Adds a line unless it is empty or equals the newest entry. The oldest entries make room. */
void history_add(struct history *history, const char *line);

#endif
