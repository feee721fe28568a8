/* checksum.h against the definition, word by word, in pieces of every size; and what it cannot miss. */
#include "unit.h"

#include "gguf/checksum.h"

enum { BYTES = 97 }; /* a block that is not whole at the end */

static void fill(uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        bytes[i] = (uint8_t)(i * 89 + i / 251 + 201);
    }
}

static uint32_t step(uint32_t lane, uint32_t word)
{
    const uint64_t turned = ((uint64_t)lane << 13) % (1ull << 32) + (lane >> 19);
    return (uint32_t)((turned ^ word) * 2654435761u % (1ull << 32));
}

/* Over words of four bytes, the last block of four words filled up with zeros. */
static uint32_t by_definition(const uint8_t *bytes, size_t n)
{
    uint32_t lane[4] = {2166136261u, 2166136261u, 2166136261u, 2166136261u}, sum = 2166136261u;
    for (size_t at = 0; at < (n + 15) / 16 * 16; at += 4) {
        uint32_t word = 0;
        for (size_t i = at; i < at + 4 && i < n; i++) {
            word |= (uint32_t)bytes[i] << 8 * (i - at);
        }
        lane[at / 4 % 4] = step(lane[at / 4 % 4], word);
    }
    for (uint32_t i = 0; i < 4; i++) {
        sum = step(sum, lane[i]);
    }
    return sum;
}

static uint32_t checksum_of(const uint8_t *bytes, size_t n, size_t piece)
{
    struct checksum checksum = CHECKSUM_START;
    for (size_t at = 0; at < n; at += piece) {
        checksum_add(&checksum, bytes + at, n - at < piece ? n - at : piece);
    }
    checksum_pad(&checksum);
    return checksum_value(&checksum);
}

static void pieces_of_any_size(void **state)
{
    uint8_t bytes[BYTES];
    (void)state;
    fill(bytes, sizeof bytes);
    for (size_t n = 0; n <= BYTES; n++) {
        for (size_t piece = 1; piece <= 40; piece++) {
            assert_int_equal(checksum_of(bytes, n, piece), by_definition(bytes, n));
        }
    }
}

/* The same numbers wherever it is compiled. */
static void known_values(void **state)
{
    uint8_t bytes[BYTES];
    (void)state;
    fill(bytes, sizeof bytes);
    assert_int_equal(checksum_of(bytes, 0, 1), 0xFF8D330C);
    assert_int_equal(checksum_of((const uint8_t *)"a", 1, 1), 0x23A3EE74);
    assert_int_equal(checksum_of(bytes, sizeof bytes, sizeof bytes), 0x9E47DEBA);
}

static void a_block_begins_after_the_padding(void **state)
{
    const uint8_t padded[32] = {1, [16] = 2, 3};
    struct checksum checksum = CHECKSUM_START;
    (void)state;
    checksum_add(&checksum, padded, 1);
    checksum_pad(&checksum);
    checksum_add(&checksum, padded + 16, 2);
    checksum_pad(&checksum);
    checksum_pad(&checksum); /* nothing is left to fill up */
    assert_int_equal(checksum_value(&checksum), by_definition(padded, sizeof padded));
}

/* Every bit of some thousand bytes. */
static void any_wrong_bit(void **state)
{
    static uint8_t bytes[4099];
    (void)state;
    fill(bytes, sizeof bytes);
    const uint32_t whole = checksum_of(bytes, sizeof bytes, sizeof bytes);
    for (size_t bit = 0; bit < 8 * sizeof bytes; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_not_equal(checksum_of(bytes, sizeof bytes, sizeof bytes), whole);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

/* One bit of two words, as a bad line of a bus flips it; without the rotation, two top bits are missed. */
static void the_same_bit_of_two_words(void **state)
{
    static uint8_t bytes[256];
    (void)state;
    fill(bytes, sizeof bytes);
    const uint32_t whole = checksum_of(bytes, sizeof bytes, sizeof bytes);
    for (size_t first = 0; first < sizeof bytes; first++) {
        for (size_t second = first + 4; second < sizeof bytes; second += 4) {
            for (uint32_t bit = 0; bit < 8; bit++) {
                bytes[first] ^= (uint8_t)(1 << bit);
                bytes[second] ^= (uint8_t)(1 << bit);
                assert_int_not_equal(checksum_of(bytes, sizeof bytes, sizeof bytes), whole);
                bytes[first] ^= (uint8_t)(1 << bit);
                bytes[second] ^= (uint8_t)(1 << bit);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_of_any_size),
        cmocka_unit_test(known_values),
        cmocka_unit_test(a_block_begins_after_the_padding),
        cmocka_unit_test(any_wrong_bit),
        cmocka_unit_test(the_same_bit_of_two_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
