/* 2^-z as attention has it, in whole numbers (core/kernel/attention_rules.h), beside the true value. */
#include <math.h>
#include <stdio.h>

#include "kernel/attention_rules.h"

/* Relative error of attention_power at z. */
static double error_at(uint32_t z, double *exact)
{
    *exact = (ATTENTION_POWER_ONE + 1) * exp2(-(double)z / (1 << ATTENTION_POWER_BITS));
    return fabs(attention_power(z) - *exact) / *exact;
}

int main(void)
{
    static const double shown[] = {0, 0.25, 0.5, 0.75, 1, 2, 4, 8, 12, 14};
    double exact, worst = 0;
    printf("   z       whole    2^-z * 2^14\n");
    for (uint32_t i = 0; i < sizeof shown / sizeof shown[0]; i++) {
        const uint32_t z = (uint32_t)(shown[i] * (1 << ATTENTION_POWER_BITS));
        error_at(z, &exact);
        printf("%5.2f %10u %14.3f\n", shown[i], attention_power(z), exact);
    }
    for (uint32_t z = 0; z <= 1 << ATTENTION_POWER_BITS; z++) {
        const double error = error_at(z, &exact);
        worst = error > worst ? error : worst;
    }
    printf("largest relative error for z up to 1: %.5f\n", worst);
    return 0;
}
