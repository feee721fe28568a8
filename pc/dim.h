/* Dimmed text on a terminal behind a serial port (ECMA-48, SGR). */
#ifndef BOOTLLAMA_PC_DIM_H
#define BOOTLLAMA_PC_DIM_H

#include "platform.h"

/* Returns what the terminal is sent before text of this colour, "" for nothing: only COLOUR_THOUGHT differs from the
   others. *dimmed is false at the start. */
static inline const char *dim_sequence(bool *dimmed, enum platform_colour colour)
{
    const bool before = *dimmed;
    *dimmed = colour == COLOUR_THOUGHT;
    return *dimmed == before ? "" : *dimmed ? "\x1B[2m" : "\x1B[0m";
}

#endif
