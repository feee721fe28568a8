#include "session/output.h"

#include "base/format.h"
#include "base/memory.h"
#include "base/text.h"

enum { MESSAGE_MAX = 1024, READABLE_COLUMNS = 120 };

void output_begin(struct output *output, struct platform *platform, const struct config *config)
{
    output->platform = platform;
    output->config = config;
    output->set_colour = platform->set_colour;
    output->ticker[0] = 0;
    output_use_colour(output);
}

void output_end(struct output *output)
{
    output->platform->set_colour = output->set_colour;
}

/* Replaces the platform's own while colours are off, so that callers need not check. */
static void no_colour(struct platform *platform, enum platform_colour colour)
{
    (void)platform;
    (void)colour;
}

void output_use_colour(struct output *output)
{
    output->platform->set_colour = output->config->colour == SETTING_ON ? output->set_colour : no_colour;
}

/* ---- Text ---- */

/* Lines of several hundred columns are hard to read. */
static uint32_t width(const struct output *output)
{
    const uint32_t wrap = output->config->wrap, columns = output->platform->columns;
    if (wrap != WRAP_AUTO) {
        return wrap == WRAP_OFF ? 0 : wrap;
    }
    return columns > READABLE_COLUMNS ? READABLE_COLUMNS + 1 : columns; /* wrap.h leaves the last one free */
}

void output_text_begin(struct output *output)
{
    wrap_begin(&output->wrap, output->platform, width(output));
}

void output_text_put(struct output *output, const char *utf8, size_t n)
{
    wrap_put(&output->wrap, utf8, n);
}

void output_text_colour(struct output *output, enum platform_colour colour)
{
    wrap_colour(&output->wrap, colour);
}

void output_text_end(struct output *output)
{
    wrap_end(&output->wrap);
}

/* The colour is back to normal before anything else is written. */
void output_long(struct output *output, enum platform_colour colour, const char *text)
{
    struct platform *platform = output->platform;
    if (colour != COLOUR_TEXT) {
        platform->set_colour(platform, colour);
    }
    output_text_begin(output);
    output_text_put(output, text, text_length(text));
    output_text_end(output);
    if (colour != COLOUR_TEXT) {
        platform->set_colour(platform, COLOUR_TEXT);
    }
}

void output_say(struct output *output, enum platform_colour colour, const char *pattern, ...)
{
    char text[MESSAGE_MAX];
    va_list arguments;
    va_start(arguments, pattern);
    const size_t n = format_list(text, sizeof text, pattern, arguments);
    va_end(arguments);
    if (n + 1 == sizeof text) { /* truncated: at least end the line */
        text[n - 1] = '\n';
    }
    output_long(output, colour, text);
}

void output_error(struct output *output, const char *message)
{
    output_say(output, COLOUR_ERROR, "Error: %s\n", message);
}

/* ---- The ticker ---- */

static void put_many(struct platform *platform, char c, size_t n)
{
    char many[OUTPUT_TICKER_MAX];
    memset(many, c, sizeof many);
    if (n > 0) {
        platform->put(platform, many, n);
    }
}

/* Every byte counts here: a serial line of 9600 bits a second sends 960 of them a second. */
void output_ticker(struct output *output, const char *whole)
{
    struct platform *platform = output->platform;
    const uint32_t columns = platform->columns;
    char text[OUTPUT_TICKER_MAX];
    const size_t room = columns > 0 && columns < sizeof text ? columns : sizeof text;
    const size_t before = text_length(output->ticker), after = format(text, room, "%s", whole);
    size_t same = 0;
    while (same < before && output->ticker[same] == text[same]) {
        same++;
    }
    put_many(platform, '\b', before - same);
    if (after > same) {
        platform->put(platform, text + same, after - same);
    }
    put_many(platform, ' ', before > after ? before - after : 0);
    put_many(platform, '\b', before > after ? before - after : 0);
    format(output->ticker, sizeof output->ticker, "%s", text);
}

void output_ticker_end(struct output *output)
{
    output->platform->put(output->platform, "\n", 1);
    output->ticker[0] = 0;
}
