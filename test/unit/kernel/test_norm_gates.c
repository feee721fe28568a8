/* Norms alone and the gates of feed-forward: every kernel against the definition, and the definition against the
   formulas. */
#include "kernel_input.h"

#include <math.h>

/* Any length, and vectors that begin anywhere, as those of heads do. */
static void check_norm(const struct kernel *kernel)
{
    for (uint32_t n = 1; n <= 150; n++) {
        const uint32_t begin = n * 5 % 16;
        float *x = random_floats(begin + n, n % 8 == 0 ? 0x1p-30f : 5.0f), *weight = random_floats(n, 2.0f);
        float *expected = random_floats(n + 1, 1.0f), *out = take((n + 1) * sizeof *out);
        memcpy(out, expected, (n + 1) * sizeof *out);
        kernel_scalar.norm(expected, x + begin, weight, n, 1e-5f, n % 2 == 0);
        kernel->norm(out, x + begin, weight, n, 1e-5f, n % 2 == 0);
        assert_same_bits(out, expected, n + 1); /* nothing behind it changes */
        kernel_scalar.norm(expected, x + begin, weight, n, 1e-5f, false);
        kernel->norm(x + begin, x + begin, weight, n, 1e-5f, false);
        assert_same_bits(x + begin, expected, n);
        free(x);
        free(weight);
        free(expected);
        free(out);
    }
}

static void norm_gives_the_same_bits(void **state)
{
    (void)state;
    for_each_kernel(check_norm);
}

static void scalar_norm_is_rmsnorm(void **state)
{
    const float x[4] = {3, -4, 0, 12}, weight[4] = {1, 2, 3, 0.5f};
    float out[4] = {1, 1, 1, 1};
    (void)state;
    kernel_scalar.norm(out, x, weight, 4, 0.25f - 1e-9f, true); /* the mean of the squares is 42.25 */
    for (uint32_t i = 0; i < 4; i++) {
        assert_true(fabsf(out[i] - 1 - x[i] / sqrtf(42.5f) * weight[i]) < 1e-6f);
    }
    kernel_scalar.norm(out, x, (float[4]){0}, 4, 1.0f, false);
    assert_true(out[0] == 0 && out[3] == 0);
}

static void check_gate(const struct kernel *kernel, bool gelu)
{
    enum { N = 20 * Q8_GROUP };
    float *gate = random_floats(N, gelu ? 6.0f : 20.0f), *up = random_floats(N, 4.0f);
    static const float awkward[] = {0.0f,      -0.0f, 90.0f,  -90.0f, 1e30f, -1e30f, INFINITY,
                                    -INFINITY, 86.6f, -86.6f, -87.3f, 9.8f,  -9.8f,  -9.9f};
    memcpy(gate, awkward, sizeof awkward);
    float *expected = take(N * sizeof *expected), *out = take(N * sizeof *out);
    (gelu ? kernel_scalar.geglu : kernel_scalar.swiglu)(expected, gate, up, N);
    (gelu ? kernel->geglu : kernel->swiglu)(out, gate, up, N);
    assert_same_bits(out, expected, N);
    (gelu ? kernel->geglu : kernel->swiglu)(gate, gate, up, N);
    assert_same_bits(gate, expected, N);
    free(gate);
    free(up);
    free(expected);
    free(out);
}

static void check_gates(const struct kernel *kernel)
{
    check_gate(kernel, false);
    check_gate(kernel, true);
}

static void gates_give_the_same_bits(void **state)
{
    (void)state;
    for_each_kernel(check_gates);
}

/* The fused product against the kernel's own matmul, swiglu and quantize, which have tests of their own: groups of
   zeros, of ordinary numbers and of NaN. */
static void check_fused_gate(const struct kernel *kernel)
{
    enum { TILES = 3, GROUPS = 2, N = TILES * Q8_GROUP };
    struct q8_matrix w = {.rows = 2 * N, .cols = GROUPS * Q8_GROUP, .row_tiles = 2 * TILES, .groups = GROUPS},
                     other = w;
    struct q8_vector x = take_q8(GROUPS), out = take_q8(TILES), expected = take_q8(TILES);
    const size_t form_bytes = (size_t)TILES * kernel->form_bytes;
    float *hidden = take(2 * N * sizeof *hidden), *numbers = random_floats(GROUPS * Q8_GROUP, 3.0f);
    if (kernel->matmul_swiglu != NULL) {
        random_matrices(&other, &kernel_scalar, &w, kernel, false);
        memset(w.tiles, 0, GROUPS * kernel->tile_bytes); /* with a bias, too: scales of zero */
        kernel->quantize(&x, numbers, GROUPS);
        for (uint32_t way = 0; way < 2; way++) {
            kernel->matmul(hidden, 0, &w, &x, 1, false);
            kernel->swiglu(hidden, hidden, hidden + N, N);
            kernel->quantize(&expected, hidden, TILES);
            kernel->matmul_swiglu(&out, &w, &x);
            assert_same_q8(&out, &expected, TILES);
            assert_memory_equal(out.sum, expected.sum, TILES * sizeof *out.sum);
            assert_memory_equal(out.form, expected.form, form_bytes);
            x.scale[1] = NAN; /* the second way */
        }
        free(w.tiles);
        free(other.tiles);
    }
    assert_int_equal(kernel->matmul_swiglu != NULL, sizeof(void *) > 4 && kernel == &kernel_avx512vnni);
    free_q8(&x);
    free_q8(&out);
    free_q8(&expected);
    free(hidden);
    free(numbers);
}

static void the_fused_gate_gives_the_same_bits(void **state)
{
    (void)state;
    for_each_kernel(check_fused_gate);
}

/* Against the formula in double precision. */
static void scalar_geglu_is_gelu(void **state)
{
    float gate[Q8_GROUP], up[Q8_GROUP], out[Q8_GROUP];
    for (int32_t begin = -320; begin < 320; begin += Q8_GROUP) {
        for (int32_t i = 0; i < Q8_GROUP; i++) {
            gate[i] = (float)(begin + i) / 32;
            up[i] = 3;
        }
        kernel_scalar.geglu(out, gate, up, Q8_GROUP);
        full_precision(state);
        for (uint32_t i = 0; i < Q8_GROUP; i++) {
            const double x = (double)gate[i], y = sqrt(2 / acos(-1)) * (x + 0.044715 * x * x * x);
            assert_true(fabs((double)out[i] - 3 * x * 0.5 * (1 + tanh(y))) < 2e-6 * (1 + fabs(x)));
        }
        single_precision(state);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(norm_gives_the_same_bits), cmocka_unit_test(scalar_norm_is_rmsnorm),
        cmocka_unit_test(gates_give_the_same_bits), cmocka_unit_test(the_fused_gate_gives_the_same_bits),
        cmocka_unit_test(scalar_geglu_is_gelu),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
