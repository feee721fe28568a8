/* progress.h: what is said at each moment, and how steady it is. */
#include "unit.h"

#include <stdlib.h>

#include "session/progress.h"

enum { SECOND = 1000000 };
#define MB 1000000ull

static const char *text_at(struct progress *progress, uint64_t now, uint64_t done, uint64_t total)
{
    static char text[80];
    progress_text(progress, text, sizeof text, 20, now, done, total);
    return text;
}

static void texts(void **state)
{
    struct progress p;
    (void)state;
    progress_begin(&p, 5 * SECOND);
    assert_string_equal(text_at(&p, 5 * SECOND, 0, 1), "[....................]   0 %");
    assert_string_equal(text_at(&p, 6 * SECOND, 10 * MB, 300 * MB), "[....................]   3 %, 10.0 MB/s");
    assert_string_equal(text_at(&p, 7 * SECOND - 1, 20 * MB, 300 * MB), "[#...................]   6 %, 10.0 MB/s");
    assert_string_equal(text_at(&p, 7 * SECOND, 20 * MB, 300 * MB), "[#...................]   6 %, 28 s left");
    assert_string_equal(text_at(&p, 15 * SECOND, 100 * MB, 300 * MB), "[######..............]  33 %, 20 s left");
    assert_string_equal(text_at(&p, 35 * SECOND, 300 * MB, 300 * MB), "[####################] 100 %, 10.0 MB/s");
}

/* Neither something short, nor the last seconds of something a little longer. */
static void short_loading_tells_no_time(void **state)
{
    struct progress p;
    (void)state;
    progress_begin(&p, 0);
    for (uint32_t tenths = 1; tenths < 49; tenths++) {
        assert_null(strstr(text_at(&p, tenths * SECOND / 10, tenths * MB, 49 * MB), "left"));
    }
}

static void long_times(void **state)
{
    struct progress p;
    (void)state;
    progress_begin(&p, 0);
    assert_non_null(strstr(text_at(&p, 2 * SECOND, 1 * MB, 50 * MB), " 2 %, 98 s left"));
    progress_begin(&p, 0);
    assert_non_null(strstr(text_at(&p, 2 * SECOND, 1 * MB, 51 * MB), " 1 %, 2 min left")); /* 100 s */
    progress_begin(&p, 0);
    assert_non_null(strstr(text_at(&p, 10 * SECOND, 100 * MB, 100000 * MB), "%, 167 min left"));
    progress_begin(&p, 0);
    assert_non_null(strstr(text_at(&p, (uint64_t)100000 * SECOND, 1ull << 56, 1ull << 57), " 50 %, 1667 min left"));
}

/* The seconds that a text tells, -1 without any. */
static int seconds_in(const char *text)
{
    const char *comma = strchr(text, ',');
    return comma != NULL && strstr(comma, "s left") != NULL ? atoi(comma + 1) : -1;
}

/* Reading that goes by fits and starts, three times as fast now as then: seconds count down one by one. */
static void the_figure_does_not_jump(void **state)
{
    struct progress p;
    uint64_t done = 0;
    int before = -1;
    (void)state;
    progress_begin(&p, 0);
    for (uint64_t tenths = 1; done < 300 * MB; tenths++) {
        done += tenths % 7 < 3 ? 3 * MB / 2 : MB / 2;
        const int now = done < 300 * MB ? seconds_in(text_at(&p, tenths * SECOND / 10, done, 300 * MB)) : 0;
        assert_true(before == -1 || now == before || now == before - 1);
        before = now;
    }
    assert_int_equal(before, 0);
}

/* A medium that becomes a fifth as fast: a new figure, once it is a quarter off. */
static void a_wrong_figure_is_replaced(void **state)
{
    struct progress p;
    (void)state;
    progress_begin(&p, 0);
    assert_int_equal(seconds_in(text_at(&p, 10 * SECOND, 100 * MB, 600 * MB)), 50);
    assert_int_equal(seconds_in(text_at(&p, 12 * SECOND, 104 * MB, 600 * MB)), 49); /* 57 by now, in steps of 1/4 */
    assert_int_equal(seconds_in(text_at(&p, 15 * SECOND, 110 * MB, 600 * MB)),
                     67); /* 45.5 were left of what was said */
    assert_int_equal(seconds_in(text_at(&p, 100 * SECOND, 599 * MB, 600 * MB)), 1); /* never none */
    assert_int_equal(seconds_in(text_at(&p, 110 * SECOND, 599 * MB, 600 * MB)), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts),
        cmocka_unit_test(short_loading_tells_no_time),
        cmocka_unit_test(long_times),
        cmocka_unit_test(the_figure_does_not_jump),
        cmocka_unit_test(a_wrong_figure_is_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
