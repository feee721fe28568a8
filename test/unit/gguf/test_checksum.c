/* checksum.h against the definition, a byte at a time, in pieces of every size. */
#include "unit.h"

#include "gguf/checksum.h"

enum { BYTES = 97 }; /* a word that is not whole at the end */

static void fill(uint8_t bytes[BYTES])
{
    for (uint32_t i = 0; i < BYTES; i++) {
        bytes[i] = (uint8_t)(i * 89 + 201);
    }
}

/* FNV-1a over words of four bytes, the last one filled up with zeros. */
static uint32_t by_definition(const uint8_t *bytes, size_t n)
{
    uint32_t sum = 2166136261u;
    for (size_t at = 0; at < n; at += 4) {
        uint32_t word = 0;
        for (size_t i = at; i < at + 4 && i < n; i++) {
            word |= (uint32_t)bytes[i] << 8 * (i - at);
        }
        sum = (uint32_t)((uint64_t)(sum ^ word) * 16777619u);
    }
    return sum;
}

static void pieces_of_any_size(void **state)
{
    uint8_t bytes[BYTES];
    (void)state;
    fill(bytes);
    assert_int_equal(by_definition((const uint8_t *)"a\0\0\0", 4), 0xE40C292C); /* FNV-1a of the text "a" */
    for (size_t n = 0; n <= BYTES; n++) {
        for (size_t piece = 1; piece <= 40; piece++) {
            struct checksum checksum = CHECKSUM_START;
            for (size_t at = 0; at < n; at += piece) {
                checksum_add(&checksum, bytes + at, n - at < piece ? n - at : piece);
            }
            checksum_pad(&checksum);
            assert_int_equal(checksum.sum, by_definition(bytes, n));
        }
    }
}

static void a_word_begins_after_the_padding(void **state)
{
    const uint8_t padded[8] = {1, 0, 0, 0, 2, 3, 0, 0};
    struct checksum checksum = CHECKSUM_START;
    (void)state;
    checksum_add(&checksum, padded, 1);
    checksum_pad(&checksum);
    checksum_add(&checksum, padded + 4, 2);
    checksum_pad(&checksum);
    checksum_pad(&checksum); /* nothing is left to fill up */
    assert_int_equal(checksum.sum, by_definition(padded, sizeof padded));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_of_any_size),
        cmocka_unit_test(a_word_begins_after_the_padding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
