#include "session/progress.h"

#include <stdbool.h>

#include "base/format.h"
#include "base/number.h"
#include "session/figure.h"

enum {
    SECOND = 1000000,
    KNOWN_AFTER = 2 * SECOND, /* by then the speed is known */
    WORTH = 3 * SECOND,       /* less is not worth saying */
    SCALE = 1 << 20,          /* parts of the whole: their product with a time has 64 bits */
    SECONDS_MAX = 99,         /* longer times are said in minutes */
};

void progress_begin(struct progress *progress, uint64_t now)
{
    *progress = (struct progress){.since = now};
}

/* The time left at the speed so far. */
static uint64_t estimate(uint64_t elapsed, uint64_t done, uint64_t total)
{
    while (total > SCALE) {
        total >>= 1;
        done >>= 1;
    }
    return done > 0 ? elapsed * (total - done) / done : 0;
}

/* Whether a time is said: sets progress->ends_at. */
static bool tell_time(struct progress *progress, uint64_t now, uint64_t done, uint64_t total)
{
    const uint64_t elapsed = now - progress->since, ends = now + estimate(elapsed, done, total);
    const uint64_t said = progress->ends_at, left = said > now ? said - now : 0;
    const uint64_t off = ends > said ? ends - said : said - ends, shift = (now - progress->said_at) / 4;
    progress->said_at = now;
    if (said == 0) {
        progress->ends_at = elapsed >= KNOWN_AFTER && ends - now >= WORTH ? ends : 0;
    } else if (off > left / 4 || off < shift) {
        progress->ends_at = ends;
    } else {
        progress->ends_at = ends > said ? said + shift : said - shift;
    }
    return progress->ends_at != 0;
}

void progress_text(struct progress *progress, char *out, size_t size, uint32_t cells, uint64_t now, uint64_t done,
                   uint64_t total)
{
    char bar[PROGRESS_CELLS_MAX + 1];
    const uint32_t rate = number_rate_tenths(done, now - progress->since);
    figure_bar(bar, cells, figure_share(done, total, cells), '.');
    const size_t used = format(out, size, "[%s] %3u %%", bar, figure_share(done, total, 100));
    if (done < total && tell_time(progress, now, done, total)) {
        const uint64_t left = progress->ends_at > now ? progress->ends_at - now : 0;
        const uint32_t seconds = left < SECOND ? 1 : (uint32_t)((left + SECOND / 2) / SECOND);
        const bool minutes = seconds > SECONDS_MAX;
        format(out + used, size - used, ", %u %s left", minutes ? (seconds + 59) / 60 : seconds, minutes ? "min" : "s");
    } else if (rate > 0) {
        format(out + used, size - used, ", %u.%u MB/s", rate / 10, rate % 10);
    }
}
