/* Who writes: lines broken at the screen's edge, in colours, streams of text, and one line that changes in place. */
#ifndef BOOTLLAMA_OUTPUT_H
#define BOOTLLAMA_OUTPUT_H

#include "platform.h"
#include "session/config.h"
#include "session/wrap.h"

enum { OUTPUT_TICKER_MAX = 80 }; /* bytes of the line that changes in place, NUL included */

struct output {
    struct platform *platform;
    const struct config *config;                                 /* not owned: wrap and colour as they are now */
    void (*set_colour)(struct platform *, enum platform_colour); /* the platform's own, while colours are off */
    struct wrap wrap;
    char ticker[OUTPUT_TICKER_MAX]; /* what the line that changes in place shows */
};

/* Begins output in the colours of *config. */
void output_begin(struct output *output, struct platform *platform, const struct config *config);

/* Gives the platform its own set_colour back. */
void output_end(struct output *output);

/* Colours as config->colour says, from now on. */
void output_use_colour(struct output *output);

/* Shows a whole line, or several, broken at spaces before the screen's edge; at most 1 KiB. */
void output_say(struct output *output, enum platform_colour colour, const char *pattern, ...)
    __attribute__((format(printf, 3, 4)));

/* Shows a text of any length in the same way. */
void output_long(struct output *output, enum platform_colour colour, const char *text);

/* "Error: message" on a line of its own. */
void output_error(struct output *output, const char *message);

/* A text that comes in pieces, wrapped like a line: between begin and end nothing else is shown. */
void output_text_begin(struct output *output);
void output_text_put(struct output *output, const char *utf8, size_t n);
void output_text_end(struct output *output);

/* Makes the line that changes in place show `whole`: only what differs from the text there is written again, with '\b'
   and spaces; at most OUTPUT_TICKER_MAX - 1 ASCII characters, cut before the screen's last column. "" takes it away. */
void output_ticker(struct output *output, const char *whole);

/* Leaves the ticker as it is and goes to the next line. */
void output_ticker_end(struct output *output);

#endif
