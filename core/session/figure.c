#include "session/figure.h"

#include "base/format.h"
#include "session/wrap.h"

/* Rounded to the nearest tenth, in whole KiB below 1 MiB. The shift comes first so that no size overflows. */
struct figure figure_size(uint64_t bytes)
{
    struct figure out;
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

struct figure figure_time(uint64_t microseconds)
{
    struct figure out;
    if (microseconds < 1000) {
        format(out.text, sizeof out.text, "%u" WRAP_TIE "us", (uint32_t)microseconds);
        return out;
    }
    const bool seconds = microseconds >= 1000000u;
    const uint32_t tenths = (uint32_t)(microseconds / (seconds ? 100000u : 100u));
    format(out.text, sizeof out.text, "%u.%u" WRAP_TIE "%s", tenths / 10, tenths % 10, seconds ? "s" : "ms");
    return out;
}

uint32_t figure_share(uint64_t part, uint64_t whole, uint32_t scale)
{
    while (whole > UINT32_MAX / 1024) { /* keeps the division in 32 bits */
        whole >>= 1;
        part >>= 1;
    }
    return whole == 0 ? scale : (uint32_t)part * scale / (uint32_t)whole;
}

void figure_bar(char *out, uint32_t cells, uint32_t filled, char rest)
{
    for (uint32_t i = 0; i < cells; i++) {
        out[i] = i < filled ? '#' : rest;
    }
    out[cells] = 0;
}
