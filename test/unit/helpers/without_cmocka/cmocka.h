/*
 * The part of cmocka's interface that the unit tests use, in one header: for 32-bit builds, where Debian has no cmocka
 * library beside the 64-bit one. Same names, same meaning, same lines of output for test/run to count.
 */
#ifndef BOOTLLAMA_TEST_CMOCKA_H
#define BOOTLLAMA_TEST_CMOCKA_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "pc/x87.h"

struct CMUnitTest {
    const char *name;
    void (*function)(void **state);
};

static jmp_buf cmocka_failed;

static inline void cmocka_check(int good, const char *what, const char *file, int line)
{
    if (good)
        return;
    fprintf(stderr, "[  ERROR   ] --- %s\n%s:%d: error: Failure!\n", what, file, line);
    longjmp(cmocka_failed, 1);
}

static inline void cmocka_check_text(const char *a, const char *b, const char *file, int line)
{
    if (strcmp(a, b) != 0)
        fprintf(stderr, "\"%s\" != \"%s\"\n", a, b);
    cmocka_check(strcmp(a, b) == 0, "texts differ", file, line);
}

static inline void cmocka_check_equal(uint64_t a, uint64_t b, int equal, const char *file, int line)
{
    if ((a == b) != equal)
        fprintf(stderr, "%#llx %s %#llx\n", (unsigned long long)a, equal ? "!=" : "==", (unsigned long long)b);
    cmocka_check((a == b) == equal, equal ? "numbers differ" : "numbers are equal", file, line);
}

#define print_error(...) fprintf(stderr, __VA_ARGS__)
#define cmocka_unit_test(function) {#function, function}
#define assert_true(c) cmocka_check(!!(c), #c, __FILE__, __LINE__)
#define assert_false(c) cmocka_check(!(c), "not " #c, __FILE__, __LINE__)
#define assert_null(p) cmocka_check((p) == NULL, #p, __FILE__, __LINE__)
#define assert_non_null(p) cmocka_check((p) != NULL, #p, __FILE__, __LINE__)
#define assert_ptr_equal(a, b) cmocka_check((const void *)(a) == (const void *)(b), #a, __FILE__, __LINE__)
#define assert_int_equal(a, b) cmocka_check_equal((uint64_t)(a), (uint64_t)(b), 1, __FILE__, __LINE__)
#define assert_int_not_equal(a, b) cmocka_check_equal((uint64_t)(a), (uint64_t)(b), 0, __FILE__, __LINE__)
#define assert_string_equal(a, b) cmocka_check_text(a, b, __FILE__, __LINE__)
#define assert_memory_equal(a, b, n) cmocka_check(memcmp(a, b, n) == 0, #a, __FILE__, __LINE__)
#define cmocka_run_group_tests(tests, set_up, tear_down) \
    cmocka_run_all(tests, sizeof tests / sizeof tests[0], set_up, tear_down)

static inline int cmocka_run_all(const struct CMUnitTest *tests, size_t count, int (*set_up)(void **),
                                 int (*tear_down)(void **))
{
    static volatile int failed;
    static volatile size_t i;
    static void *state;

    x87_single_precision(); /* as boot code does for an x87 build */
    if (set_up != NULL && set_up(&state) != 0)
        return 1;
    for (i = 0; i < count; i++) {
        fprintf(stderr, "[ RUN      ] %s\n", tests[i].name);
        if (setjmp(cmocka_failed) == 0) {
            tests[i].function(&state);
            fprintf(stderr, "[       OK ] %s\n", tests[i].name);
        } else {
            fprintf(stderr, "[  FAILED  ] %s\n", tests[i].name);
            failed++;
        }
    }
    fprintf(stderr, "[  PASSED  ] %d test(s).\n", (int)count - failed);
    if (tear_down != NULL && tear_down(&state) != 0)
        return 1;
    return failed;
}

#endif
