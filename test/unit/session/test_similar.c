/* core/session/similar.c: what is close to a mistyped word, and what is not. */
#include "unit.h"

#include "session/similar.h"

static const char *const words[] = {"/help", "/set", "/model", "/models", "/info", "/bench", "/again", "/reboot",
                                    "/off", "temperature", "top_p", "top_k", "seed", "repeat_penalty"};

static void table(void **state)
{
    static const struct {
        const char *typed, *meant;
    } cases[] = {
        {"/help", "/help"}, {"/HELP", "/help"}, {"/hepl", "/help"}, {"/hlp", "/help"}, {"/heelp", "/help"},
        {"/jelp", "/help"}, {"help", "/help"}, {"/ehlp", "/help"}, {"/modle", "/model"}, {"/models", "/models"},
        {"/modelz", "/model"}, {"/mod", "/model"}, {"/model", "/model"}, {"/rebot", "/reboot"},
        {"/ofg", "/off"}, {"/of", "/off"}, {"temp", "temperature"}, {"temprature", "temperature"},
        {"tempreture", "temperature"}, {"TOPK", "top_k"}, {"top", "top_p"}, {"penalty", NULL},
        {"repeat", "repeat_penalty"},
        {"repeatpenalty", "repeat_penalty"}, {"sed", "seed"}, {"xyz", NULL}, {"/", NULL}, {"", NULL}, {"/zzzzz", NULL},
        {"/xxlp", NULL}, {"a word that is much too long to be anything", NULL},
        {"/helphelphelphelphelphelphelphelphelp", NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *found = similar_word(cases[i].typed, words, COUNT_OF(words));
        if ((found == NULL) != (cases[i].meant == NULL) || (found != NULL && strcmp(found, cases[i].meant) != 0))
            fail_test("\"%s\" gives %s\n", cases[i].typed, found == NULL ? "nothing" : found);
    }
    assert_null(similar_word("/help", words, 0));
}

/* ---- Against the definition, by recursion ---- */

static size_t slips(const char *a, size_t n, const char *b, size_t m)
{
    if (n == 0 || m == 0)
        return n + m;
    size_t best = slips(a, n - 1, b, m) + 1, other = slips(a, n, b, m - 1) + 1;
    best = other < best ? other : best;
    other = slips(a, n - 1, b, m - 1) + (a[n - 1] != b[m - 1]);
    best = other < best ? other : best;
    if (n > 1 && m > 1 && a[n - 1] == b[m - 2] && a[n - 2] == b[m - 1]) {
        other = slips(a, n - 2, b, m - 2) + 1;
        best = other < best ? other : best;
    }
    return best;
}

/* The nearer of two words is taken, the first of equals, and none beyond a third of the letters. */
static void the_nearest_is_taken(void **state)
{
    (void)state;
    srand(3);
    for (int round = 0; round < 20000; round++) {
        char word[3][7];
        const char *const choice[] = {word[1], word[2]};
        size_t length[3];
        for (int k = 0; k < 3; k++) {
            length[k] = 3 + (size_t)rand() % 4;
            for (size_t i = 0; i < length[k]; i++)
                word[k][i] = (char)('a' + rand() % 3);
            word[k][length[k]] = 0;
        }
        const char *expected = NULL;
        size_t best = 99;
        for (int k = 1; k < 3; k++) {
            const bool short_for = strncmp(word[0], word[k], length[0]) == 0;
            const size_t distance = short_for ? 0 : slips(word[0], length[0], word[k], length[k]);
            const size_t longer = length[0] > length[k] ? length[0] : length[k];
            if (distance * 3 <= longer && distance < best) {
                best = distance;
                expected = word[k];
            }
        }
        assert_ptr_equal(similar_word(word[0], choice, 2), expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table),
        cmocka_unit_test(the_nearest_is_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
