/* core/session/typeahead.c: what is typed ahead is kept, in order and in bounds; Escape and Ctrl-C empty it. */
#include "unit.h"

#include "session/typeahead.h"

static int pressed[3 * TYPEAHEAD_MAX];
static size_t at, count;

static int get_key(struct platform *platform)
{
    (void)platform;
    return at < count ? pressed[at++] : KEY_NONE;
}

static uint64_t now;

static uint64_t microseconds(struct platform *platform)
{
    (void)platform;
    return now;
}

static struct platform platform = {.get_key = get_key, .microseconds = microseconds};
static struct typeahead typeahead;

static void press(const int *codes, size_t n)
{
    at = 0;
    count = n;
    memcpy(pressed, codes, n * sizeof *codes);
    typeahead_begin(&typeahead, &platform);
}

#define PRESS(...) press((const int[]){__VA_ARGS__}, sizeof((const int[]){__VA_ARGS__}) / sizeof(int))

static void expect(const int *codes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        assert_int_equal(typeahead_next(&typeahead), codes[i]);
    assert_int_equal(typeahead_next(&typeahead), KEY_NONE);
}

#define EXPECT(...) expect((const int[]){__VA_ARGS__}, sizeof((const int[]){__VA_ARGS__}) / sizeof(int))

static void keys_come_in_order(void **state)
{
    (void)state;
    PRESS('a', KEY_UP, 0x1F642, '\r');
    EXPECT('a', KEY_UP, 0x1F642, '\r');
    PRESS('a', 'b');
    assert_false(typeahead_stop_asked(&typeahead));
    EXPECT('a', 'b');
    PRESS('a');
    assert_false(typeahead_stop_asked(&typeahead));
    pressed[count++] = 'b'; /* typed later, so taken later */
    EXPECT('a', 'b');
}

static void escape_empties_what_was_typed_before_it(void **state)
{
    static const int stops[] = {KEY_ESCAPE, KEY_CTRL_C};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(stops); i++) {
        PRESS('a', stops[i], 'b');
        assert_true(typeahead_stop_asked(&typeahead));
        assert_false(typeahead_stop_asked(&typeahead));
        EXPECT('b');
        PRESS('a', 'b');
        assert_false(typeahead_stop_asked(&typeahead));
        pressed[count++] = stops[i];
        assert_true(typeahead_stop_asked(&typeahead));
        expect(NULL, 0);
    }
}

/* The platform's question while it reads: answered alike until the stop is obeyed, or forgotten with the next key. */
static void reading_asks_whether_to_stop(void **state)
{
    (void)state;
    for (int obeyed = 0; obeyed < 2; obeyed++) {
        PRESS('a');
        now += 1000000;
        assert_false(platform.stop_asked(platform.stop_context));
        pressed[count++] = KEY_ESCAPE;
        pressed[count++] = 'b';
        now += 1000;
        assert_false(platform.stop_asked(platform.stop_context)); /* not at every call */
        assert_int_equal(at, 1);
        now += 20000;
        for (int i = 0; i < 3; i++)
            assert_true(platform.stop_asked(platform.stop_context));
        if (obeyed)
            assert_true(typeahead_stop_asked(&typeahead));
        EXPECT('b');
        now += 1000000;
        assert_false(platform.stop_asked(platform.stop_context));
        assert_false(typeahead_stop_asked(&typeahead));
    }
    typeahead_end(&typeahead);
    assert_null(platform.stop_asked);
}

/* A pasted page: what fits is kept, whatever the call takes, and the ring goes round. */
static void many_keys_are_kept_in_bounds(void **state)
{
    static int many[3 * TYPEAHEAD_MAX];
    uint32_t calls = 0;
    (void)state;
    for (int i = 0; i < 3 * TYPEAHEAD_MAX; i++)
        many[i] = 32 + i;
    press(many, TYPEAHEAD_MAX + 100);
    while (at < count) {
        const size_t before = at;
        assert_false(typeahead_stop_asked(&typeahead));
        assert_true(at - before <= 64 && ++calls < 1000);
    }
    expect(many, TYPEAHEAD_MAX);
    press(many, 3 * TYPEAHEAD_MAX);
    for (int round = 0, next = 0; round < 2 * TYPEAHEAD_MAX / 64; round++) {
        assert_false(typeahead_stop_asked(&typeahead));
        for (int i = 0; i < 48; i++)
            assert_int_equal(typeahead_next(&typeahead), many[next++]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_come_in_order),
        cmocka_unit_test(escape_empties_what_was_typed_before_it),
        cmocka_unit_test(reading_asks_whether_to_stop),
        cmocka_unit_test(many_keys_are_kept_in_bounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
