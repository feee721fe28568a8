/* Output: lines wrapped at the screen's edge, in colours; streams of text; and one line that changes in place. */
#ifndef BOOTLLAMA_OUTPUT_H
#define BOOTLLAMA_OUTPUT_H

#include "platform.h"
#include "session/config.h"
#include "session/wrap.h"

enum {
    OUTPUT_TICKER_MAX = 80,    /* bytes of the line that changes in place, including the NUL */
    OUTPUT_TICKER_US = 100000, /* between two changes of it: a slow console must not slow down the work */
};

struct output {
    struct platform *platform;
    const struct config *config;                                 /* not owned: the current wrap and colour */
    void (*set_colour)(struct platform *, enum platform_colour); /* the platform's own, while colours are off */
    struct wrap wrap;
    char ticker[OUTPUT_TICKER_MAX]; /* what the line that changes in place shows */
};

/* Begins output in the colours of *config. */
void output_begin(struct output *output, struct platform *platform, const struct config *config);

/* Restores the platform's own set_colour. */
void output_end(struct output *output);

/* Switches colours on or off as config->colour says. */
void output_use_colour(struct output *output);

/* Shows one or more whole lines, wrapped at spaces before the screen's edge; at most 1 KiB. */
void output_say(struct output *output, enum platform_colour colour, const char *pattern, ...)
    __attribute__((format(printf, 3, 4)));

/* The same for a text of any length. */
void output_long(struct output *output, enum platform_colour colour, const char *text);

/* Shows "Error: message" on a line of its own. */
void output_error(struct output *output, const char *message);

/* A text that arrives in pieces, wrapped like a line: between begin and end nothing else is shown. */
void output_text_begin(struct output *output);
void output_text_put(struct output *output, const char *utf8, size_t n);
void output_text_end(struct output *output);

/* Gives what follows in the text another colour. The text ends in COLOUR_TEXT. */
void output_text_colour(struct output *output, enum platform_colour colour);

/* Makes the line that changes in place show `whole`, at most OUTPUT_TICKER_MAX - 1 ASCII characters, cut before the
   screen's last column. Only the part that differs is rewritten, with '\b' and spaces. "" erases the line. */
void output_ticker(struct output *output, const char *whole);

/* Keeps the ticker on the screen and moves to the next line. */
void output_ticker_end(struct output *output);

#endif
