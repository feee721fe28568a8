/* The same floats added in different orders: why core/kernel/kernel.h fixes one. */
#include <stdio.h>

#include "base/float.h"

enum { COUNT = 1024, LANES_MAX = 16 };

/* The sum in `lanes` partial sums, element i in lane i % lanes, joined as a tree. */
static float sum_in_lanes(const float *x, uint32_t lanes)
{
    float lane[LANES_MAX] = {0};
    for (uint32_t i = 0; i < COUNT; i++) {
        lane[i % lanes] += x[i];
    }
    for (uint32_t half = lanes / 2; half > 0; half /= 2) {
        for (uint32_t i = 0; i < half; i++) {
            lane[i] += lane[i + half];
        }
    }
    return lane[0];
}

int main(void)
{
    float x[COUNT];
    double exact = 0;
    for (uint32_t i = 0; i < COUNT; i++) {
        x[i] = 1.0f / (float)(int32_t)(i + 1);
        exact += (double)x[i];
    }
    for (uint32_t lanes = 1; lanes <= LANES_MAX; lanes *= 2) {
        const float sum = sum_in_lanes(x, lanes);
        printf("%2u lanes: %.7f, bits %08x\n", lanes, (double)sum, float_bits(sum));
    }
    printf("in double: %.7f\n", exact);
    return 0;
}
