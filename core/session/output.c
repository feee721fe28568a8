/* Lines of text on the console: broken at the screen's edge, coloured, or changing in place. */
#include "session/console.h"

#include "base/format.h"
#include "base/text.h"

enum { MESSAGE_MAX = 1024 };

uint32_t console_width(const struct console *console)
{
    const uint32_t wrap = console->config.wrap;
    return wrap == WRAP_AUTO ? console->platform->columns : wrap == WRAP_OFF ? 0 : wrap;
}

/* The colour goes back before the next character of anybody else. */
void say(struct console *console, enum platform_colour colour, const char *pattern, ...)
{
    char text[MESSAGE_MAX];
    va_list arguments;
    va_start(arguments, pattern);
    const size_t n = format_list(text, sizeof text, pattern, arguments);
    va_end(arguments);
    if (n + 1 == sizeof text) { /* cut: at least the line ends */
        text[n - 1] = '\n';
    }
    if (colour != COLOUR_TEXT) {
        console->platform->set_colour(console->platform, colour);
    }
    wrap_begin(&console->wrap, console->platform, console_width(console));
    wrap_put(&console->wrap, text, n);
    wrap_end(&console->wrap);
    if (colour != COLOUR_TEXT) {
        console->platform->set_colour(console->platform, COLOUR_TEXT);
    }
}

void say_error(struct console *console, const char *message)
{
    say(console, COLOUR_ERROR, "Error: %s\n", message);
}

/* Puts one character n times. */
static void put_many(struct platform *platform, char c, size_t n)
{
    char many[TICKER_MAX];
    memset(many, c, sizeof many);
    if (n > 0) {
        platform->put(platform, many, n);
    }
}

/* Few bytes matter here: a serial line of 9600 bits a second takes a second for 960 of them. */
void ticker_show(struct console *console, const char *whole)
{
    struct platform *platform = console->platform;
    const uint32_t columns = platform->columns;
    char text[TICKER_MAX];
    const size_t room = columns > 0 && columns < sizeof text ? columns : sizeof text;
    const size_t before = text_length(console->ticker), after = format(text, room, "%s", whole);
    size_t same = 0;
    while (same < before && console->ticker[same] == text[same]) {
        same++;
    }
    put_many(platform, '\b', before - same);
    if (after > same) {
        platform->put(platform, text + same, after - same);
    }
    put_many(platform, ' ', before > after ? before - after : 0);
    put_many(platform, '\b', before > after ? before - after : 0);
    format(console->ticker, sizeof console->ticker, "%s", text);
}

void ticker_end(struct console *console)
{
    console->platform->put(console->platform, "\n", 1);
    console->ticker[0] = 0;
}

void draw_bar(char *out, uint32_t cells, uint32_t filled, char rest)
{
    for (uint32_t i = 0; i < cells; i++) {
        out[i] = i < filled ? '#' : rest;
    }
    out[cells] = 0;
}

uint32_t share_of(uint64_t part, uint64_t whole, uint32_t scale)
{
    while (whole > UINT32_MAX / 1024) { /* keeps the division in 32 bits */
        whole >>= 1;
        part >>= 1;
    }
    return whole == 0 ? scale : (uint32_t)part * scale / (uint32_t)whole;
}

/* Rounded to the nearest tenth, in whole KiB below 1 MiB; shifted first, so that it fits for any size. */
struct short_text size_text(uint64_t bytes)
{
    struct short_text out;
    const bool large = bytes >= 1u << 30;
    const uint64_t tenths = ((bytes >> (large ? 20 : 10)) * 10 + 512) >> 10;
    if (bytes < 1u << 20) {
        format(out.text, sizeof out.text, "%u" WRAP_TIE "KiB", ((uint32_t)bytes + 1023) >> 10);
    } else {
        format(out.text, sizeof out.text, "%u.%u" WRAP_TIE "%ciB", (uint32_t)tenths / 10, (uint32_t)tenths % 10,
               large ? 'G' : 'M');
    }
    return out;
}

struct short_text time_text(uint64_t microseconds)
{
    struct short_text out;
    if (microseconds < 1000) {
        format(out.text, sizeof out.text, "%u" WRAP_TIE "us", (uint32_t)microseconds);
        return out;
    }
    const bool seconds = microseconds >= 1000000u;
    const uint32_t tenths = (uint32_t)(microseconds / (seconds ? 100000u : 100u));
    format(out.text, sizeof out.text, "%u.%u" WRAP_TIE "%s", tenths / 10, tenths % 10, seconds ? "s" : "ms");
    return out;
}
