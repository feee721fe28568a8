/*
 * Softmax in whole numbers (core/kernel/attention_rules.h), beside the true one.
 *
 * power               2^-z as a whole number, for some z
 * power SCORE...      z, the whole number and the share of each score, and the share that softmax in double gives it
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernel/attention_rules.h"

enum { STEPS = 1 << ATTENTION_POWER_BITS, SCORES_MAX = ATTENTION_CHUNK };

/* Relative error of attention_power at z. */
static double error_at(uint32_t z, double *exact)
{
    *exact = (ATTENTION_POWER_ONE + 1) * exp2(-(double)z / STEPS);
    return fabs(attention_power(z) - *exact) / *exact;
}

static void show_powers(void)
{
    static const double shown[] = {0, 0.25, 0.5, 0.75, 1, 2, 4, 8, 12, 14};
    double exact, worst = 0;
    printf("   z       whole    2^-z * 2^14\n");
    for (uint32_t i = 0; i < sizeof shown / sizeof shown[0]; i++) {
        const uint32_t z = (uint32_t)(shown[i] * STEPS);
        error_at(z, &exact);
        printf("%5.2f %10u %14.3f\n", shown[i], attention_power(z), exact);
    }
    for (uint32_t z = 0; z <= STEPS; z++) {
        const double error = error_at(z, &exact);
        worst = error > worst ? error : worst;
    }
    printf("largest relative error for z up to 1: %.5f\n", worst);
}

static void show_shares(const double *score, int count)
{
    double largest = -INFINITY, sum = 0, whole_sum = 0;
    for (int i = 0; i < count; i++) {
        largest = fmax(largest, score[i]);
    }
    uint32_t z[SCORES_MAX];
    for (int i = 0; i < count; i++) {
        const double steps = (largest - score[i]) * M_LOG2E * STEPS;
        z[i] = steps < ATTENTION_POWER_LAST ? (uint32_t)lrint(steps) : ATTENTION_POWER_LAST;
        sum += exp(score[i] - largest);
        whole_sum += attention_power(z[i]);
    }
    printf("   score      z  whole   share  softmax\n");
    for (int i = 0; i < count; i++) {
        const uint32_t whole = attention_power(z[i]);
        printf("%8.3f %6u %6u %7.4f %8.4f\n", score[i], z[i], whole, whole / whole_sum, exp(score[i] - largest) / sum);
    }
}

int main(int argc, char **argv)
{
    double score[SCORES_MAX];
    const int count = argc - 1;
    if (count > SCORES_MAX) {
        fprintf(stderr, "power: more scores than a chunk has\n");
        return 2;
    }
    for (int i = 0; i < count; i++) {
        score[i] = atof(argv[i + 1]);
    }
    if (count == 0) {
        show_powers();
    } else {
        show_shares(score, count);
    }
    return 0;
}
