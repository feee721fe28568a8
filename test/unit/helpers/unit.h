/* What every unit test includes first. */
#ifndef BOOTLLAMA_TEST_UNIT_H
#define BOOTLLAMA_TEST_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pc/x87.h"

#undef fail /* the project has a function of that name (format.h) */

/* Ends the test as failed, with a formatted reason. */
#define fail_test(...) \
    do { \
        fprintf(stderr, __VA_ARGS__); \
        assert_true(!"failed for the reason above"); \
    } while (0)

/* x87 at 64-bit precision, for what a test expects as a double, and back at the 24 bits of boot code, at which 32-bit
   tests start. `state` is not used: both can be set-up functions of cmocka. */
static inline int full_precision(void **state)
{
    (void)state;
    x87_set_control(X87_EXTENDED);
    return 0;
}

static inline int single_precision(void **state)
{
    (void)state;
    x87_single_precision();
    return 0;
}

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#endif
