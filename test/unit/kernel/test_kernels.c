/* Every kernel that this processor has against the scalar definition: the same bits for the same input. */
#include "kernel_input.h"

#include <math.h>

#include "base/exp2.h"
#include "base/number.h"

enum { VECTORS_MAX = 11 }; /* of one matmul */

/* From rows that lie apart, as in a file; -128 comes back as -127. */
static void check_tile_comes_back(const struct kernel *kernel)
{
    enum { STRIDE = 3 };
    struct q8_0_block rows[STRIDE * Q8_GROUP], block[Q8_GROUP];
    uint8_t *tile = take(kernel->tile_bytes);
    random_rows(block, false);
    memset(rows, 0x5A, sizeof rows);
    for (uint32_t row = 0; row < Q8_GROUP; row++) {
        rows[row * STRIDE] = block[row];
        rows[row * STRIDE].q[row] = block[row].q[row] < 0 ? -128 : 1;
        block[row].q[row] = block[row].q[row] < 0 ? -127 : 1;
    }
    kernel->tile_pack(tile, rows, STRIDE);
    for (uint32_t row = 0; row < Q8_GROUP; row++) {
        int8_t row_q[Q8_GROUP];
        float row_scale;
        kernel->tile_row(tile, row, row_q, &row_scale);
        assert_memory_equal(row_q, block[row].q, Q8_GROUP);
        assert_true(row_scale == half_to_float(block[row].scale));
    }
    free(tile);
}

static void tiles_come_back(void **state)
{
    (void)state;
    check_tile_comes_back(&kernel_scalar);
    for_each_kernel(check_tile_comes_back);
}

/* `count` vectors of `groups` groups, quantized for two kernels. */
static void random_vectors(struct q8_vector *a, const struct kernel *kernel_a, struct q8_vector *b,
                           const struct kernel *kernel_b, uint32_t count, uint32_t groups, bool extreme)
{
    for (uint32_t i = 0; i < count; i++) {
        float *input = random_floats(groups * Q8_GROUP, 3.0f);
        for (uint32_t j = 0; extreme && j < groups * Q8_GROUP; j++) {
            input[j] = input[j] < 0 ? -2.0f : 2.0f; /* all activations at +-127 */
        }
        a[i] = take_q8(groups);
        b[i] = take_q8(groups);
        kernel_a->quantize(&a[i], input, groups);
        kernel_b->quantize(&b[i], input, groups);
        free(input);
    }
}

static void check_one_matmul(const struct kernel *kernel, uint32_t row_tiles, uint32_t groups, uint32_t count,
                             bool extreme, bool add)
{
    struct q8_matrix expected_w = {
        .rows = row_tiles * Q8_GROUP, .cols = groups * Q8_GROUP, .row_tiles = row_tiles, .groups = groups};
    struct q8_matrix w = expected_w;
    struct q8_vector expected_x[VECTORS_MAX], x[VECTORS_MAX];
    const uint32_t stride = (row_tiles + 1) * Q8_GROUP, n = count * stride;
    random_matrices(&expected_w, &kernel_scalar, &w, kernel, extreme);
    random_vectors(expected_x, &kernel_scalar, x, kernel, count, groups, extreme);
    float *expected = random_floats(n, 1.0f), *out = take(n * sizeof *out);
    memcpy(out, expected, n * sizeof *out);
    kernel_scalar.matmul(expected, stride, &expected_w, expected_x, count, add);
    kernel->matmul(out, stride, &w, x, count, add);
    assert_same_bits(out, expected, n); /* and nothing between the rows is touched */
    free(expected_w.tiles);
    free(w.tiles);
    free(expected);
    free(out);
    for (uint32_t i = 0; i < count; i++) {
        free_q8(&expected_x[i]);
        free_q8(&x[i]);
    }
}

static void check_matmul(const struct kernel *kernel)
{
    for (uint32_t row_tiles = 1; row_tiles <= 5; row_tiles++) {
        for (uint32_t groups = 1; groups <= 9; groups++) {
            const uint32_t count = row_tiles * groups % VECTORS_MAX + 1;
            check_one_matmul(kernel, row_tiles, groups, 1, false, false);
            check_one_matmul(kernel, row_tiles, groups, count, false, true);
            check_one_matmul(kernel, row_tiles, groups, count, true, false);
        }
    }
}

static void matmul_gives_the_same_bits(void **state)
{
    (void)state;
    for_each_kernel(check_matmul);
}

/* The definition itself, against a computation in whole numbers. */
static void scalar_matmul_is_the_product(void **state)
{
    (void)state;
    struct q8_0_block block[Q8_GROUP];
    uint8_t *tile = take(kernel_scalar.tile_bytes);
    struct q8_vector x = take_q8(1);
    float out[Q8_GROUP];
    random_rows(block, false);
    kernel_scalar.tile_pack(tile, block, 1);
    for (uint32_t i = 0; i < Q8_GROUP; i++) { /* in the scalar kernel's form, too */
        ((int16_t *)x.form)[i] = x.q[i] = (int8_t)(random_u32() % 255 - 127);
    }
    x.scale[0] = 0.03125f;
    const struct q8_matrix w = {.rows = Q8_GROUP, .cols = Q8_GROUP, .row_tiles = 1, .groups = 1, .tiles = tile};
    kernel_scalar.matmul(out, 0, &w, &x, 1, false);
    for (uint32_t row = 0; row < Q8_GROUP; row++) {
        int64_t dot = 0;
        for (uint32_t i = 0; i < Q8_GROUP; i++) {
            dot += block[row].q[i] * x.q[i];
        }
        assert_true(out[row] == (float)dot * (half_to_float(block[row].scale) * 0.03125f));
    }
    free(tile);
    free_q8(&x);
}

/* Values that quantization has to get right, a group each. */
static float *awkward_groups(uint32_t *groups)
{
    static const float firsts[] = {0.0f,      0x1p-95f, 0x1p-94f,   0x1p-93f, 1.0f,    3e38f, INFINITY,
                                   -INFINITY, NAN,      -0x1p-140f, 127.0f,   -254.0f, 1e-30f};
    *groups = sizeof firsts / sizeof *firsts;
    float *x = take(*groups * Q8_GROUP * sizeof *x);
    for (uint32_t group = 0; group < *groups; group++) {
        for (uint32_t i = 0; i < Q8_GROUP; i++) { /* in steps of half a unit: every other one is a tie */
            x[group * Q8_GROUP + i] = i == 7 ? firsts[group] : firsts[group] * ((float)i * 0.5f / 127.0f);
        }
    }
    return x;
}

static void check_quantize(const struct kernel *kernel)
{
    uint32_t groups;
    float *x = awkward_groups(&groups);
    struct q8_vector expected = take_q8(groups), out = take_q8(groups);
    kernel_scalar.quantize(&expected, x, groups);
    kernel->quantize(&out, x, groups);
    assert_same_q8(&out, &expected, groups);
    free(x);
    free_q8(&expected);
    free_q8(&out);
}

static void quantize_gives_the_same_bits(void **state)
{
    (void)state;
    for_each_kernel(check_quantize);
}

static void scalar_quantize_keeps_its_rules(void **state)
{
    (void)state;
    float x[5 * Q8_GROUP] = {[0] = 127.0f,
                             [1] = 0.5f,
                             [2] = 1.5f,
                             [3] = -2.5f,
                             [Q8_GROUP] = 0x1p-101f,
                             [2 * Q8_GROUP] = INFINITY,
                             [3 * Q8_GROUP + 5] = NAN,
                             [4 * Q8_GROUP] = -1.0f};
    struct q8_vector out = take_q8(5);
    kernel_scalar.quantize(&out, x, 5);
    const int8_t ties_to_even[5] = {127, 0, 2, -2, 0};
    assert_memory_equal(out.q, ties_to_even, sizeof ties_to_even);
    assert_true(out.scale[0] == 127.0f * (1.0f / 127.0f));
    assert_true(out.scale[1] == 0.0f && out.q[Q8_GROUP] == 0);
    assert_true(isnan(out.scale[2]) && out.q[2 * Q8_GROUP] == 0);
    assert_true(isnan(out.scale[3]) && out.q[3 * Q8_GROUP + 5] == 0);
    assert_int_equal(out.q[4 * Q8_GROUP], -127);
    free_q8(&out);
}

static void check_norm_quantize(const struct kernel *kernel)
{
    for (uint32_t n = 2; n <= 300; n += 7) {
        const uint32_t padded = number_round_up(n, Q8_GROUP);
        const float factor = n % 4 == 0 ? 0x1p-90f : 2.0f; /* scales about the smallest that count */
        float *x = random_floats(padded, n % 8 == 0 ? 0x1p10f : 5.0f), *weight = random_floats(padded, factor);
        memset(x + n, 0, (padded - n) * sizeof *x);
        memset(weight + n, 0, (padded - n) * sizeof *weight);
        struct q8_vector expected = take_q8(padded / Q8_GROUP), out = take_q8(padded / Q8_GROUP);
        kernel_scalar.norm_quantize(&expected, x, weight, n, 1e-5f);
        kernel->norm_quantize(&out, x, weight, n, 1e-5f);
        assert_same_q8(&out, &expected, padded / Q8_GROUP);
        free(x);
        free(weight);
        free_q8(&expected);
        free_q8(&out);
    }
}

static void norm_quantize_gives_the_same_bits(void **state)
{
    (void)state;
    for_each_kernel(check_norm_quantize);
}

static void check_exponentials(const struct kernel *kernel)
{
    for (uint32_t n = KERNEL_LANES; n <= 40 * KERNEL_LANES; n += KERNEL_LANES) {
        float *expected = random_floats(n, 60.0f), *out = take(n * sizeof *out);
        expected[n / 2] = -INFINITY;
        memcpy(out, expected, n * sizeof *out);
        const float expected_sum = kernel_scalar.exponentials(expected, n, 2.0f);
        const float sum = kernel->exponentials(out, n, 2.0f);
        assert_same_bits(out, expected, n);
        assert_same_bits(&sum, &expected_sum, 1);
        free(expected);
        free(out);
    }
}

/* Below 2^-125 there is nothing, at 2^-125 there is. */
static void check_lowest_exponential(const struct kernel *kernel)
{
    float *x = take(KERNEL_LANES * sizeof *x);
    for (uint32_t i = 0; i < KERNEL_LANES; i++) {
        x[i] = i == 0 ? 0.0f : i % 2 == 0 ? -125.0f : nextafterf(-125.0f, -200.0f);
    }
    kernel->exponentials(x, KERNEL_LANES, 1.0f);
    for (uint32_t i = 1; i < KERNEL_LANES; i++) {
        assert_true(x[i] == (i % 2 == 0 ? 0x1p-125f : 0.0f));
    }
    free(x);
}

static void exponentials_give_the_same_bits(void **state)
{
    (void)state;
    check_lowest_exponential(&kernel_scalar);
    for_each_kernel(check_lowest_exponential);
    for_each_kernel(check_exponentials);
}

static void scalar_rotate_turns_pairs(void **state)
{
    (void)state;
    float x[4] = {1, 0, 2, 3};
    const float cosine[4] = {0, 0, -1, -1}, sine[4] = {-1, 1, 0, 0}, expected[4] = {0, 1, -2, -3};
    kernel_scalar.rotate(x, cosine, sine, 4);
    assert_memory_equal(x, expected, sizeof x);
}

static void check_rotate(const struct kernel *kernel)
{
    enum { N = 7 * KERNEL_LANES };
    float *expected = random_floats(N, 3.0f), *x = take(N * sizeof *x);
    float *cosine = random_floats(N, 1.0f), *sine = random_floats(N, 1.0f);
    memcpy(x, expected, N * sizeof *x);
    kernel_scalar.rotate(expected, cosine, sine, N);
    kernel->rotate(x, cosine, sine, N);
    assert_same_bits(x, expected, N);
    free(expected);
    free(x);
    free(cosine);
    free(sine);
}

static void rotate_gives_the_same_bits(void **state)
{
    (void)state;
    for_each_kernel(check_rotate);
}

static void check_heads_quantize(const struct kernel *kernel)
{
    static const float largest[] = {0.0f, 0x1p-41f, 0x1p-40f, 1.0f, -1447.0f, 511.5f, 0x1p59f, 0x1p60f, INFINITY, NAN};
    static const uint32_t sizes[] = {2, 4, 6, 8, 10, 64, 100, 128};
    enum { HEADS = COUNT_OF(largest) };
    for (uint32_t i = 0; i < COUNT_OF(sizes); i++) {
        for (uint32_t heads = 1; heads <= HEADS; heads++) {
            const uint32_t size = sizes[i], n = heads * size;
            float *x = random_floats(n, 1.0f), expected_scale[HEADS + 1] = {0}, scale[HEADS + 1] = {0};
            int16_t *expected = take((n + 1) * sizeof *expected), *out = take((n + 1) * sizeof *out);
            const float range = heads % 2 == 0 ? KV_KEY_RANGE : KV_VALUE_RANGE;
            for (uint32_t head = 0; head < heads; head++) {
                const float most = largest[(head + i) % HEADS];
                float *own = x + head * size;
                for (uint32_t j = 0; j < size && fabsf(most) < 0x1p60f; j++) {
                    own[j] *= most;
                }
                own[0] = most / (2 * range); /* a tie */
                own[size - 1 - head % 2] = most;
            }
            kernel_scalar.heads_quantize(expected, expected_scale, x, heads, size, range);
            kernel->heads_quantize(out, scale, x, heads, size, range);
            assert_same_bits(scale, expected_scale, HEADS + 1);
            assert_memory_equal(out, expected, (n + 1) * sizeof *out);
            free(x);
            free(expected);
            free(out);
        }
    }
}

static void heads_are_quantized_to_the_same_bits(void **state)
{
    (void)state;
    for_each_kernel(check_heads_quantize);
}

static float quantize_head(int16_t *out, const float *x, float range)
{
    float scale;
    kernel_scalar.heads_quantize(out, &scale, x, 1, 6, range);
    return scale;
}

static void scalar_heads_quantize_keeps_its_rules(void **state)
{
    (void)state;
    float x[12] = {4.0f, -2.0f, 4.0f * 1.5f / 511, 4.0f * 2.5f / 511, -4.0f, 0, [6] = 1.0f, [7] = 0x1p-10f};
    int16_t out[12];
    float scale[2];
    kernel_scalar.heads_quantize(out, scale, x, 2, 6, KV_VALUE_RANGE);
    const int16_t expected[12] = {511, -256, 2, 2, -511, 0, 511}; /* ties to even */
    assert_memory_equal(out, expected, sizeof expected);
    assert_true(scale[0] == 4.0f * (1.0f / 511) && scale[1] == 1.0f / 511);
    x[0] = x[1] = x[2] = x[3] = 0;
    x[4] = 0x1p-40f;
    assert_true(quantize_head(out, x, KV_KEY_RANGE) == 0x1p-40f * (1.0f / 1447) && out[4] == 1447);
    x[4] = nextafterf(0x1p-40f, 0);
    assert_true(quantize_head(out, x, KV_KEY_RANGE) == 0.0f && out[4] == 0);
    x[4] = 0x1p60f;
    assert_true(isnan(quantize_head(out, x, KV_KEY_RANGE)) && out[4] == 0);
    x[4] = NAN;
    assert_true(isnan(quantize_head(out, x, KV_KEY_RANGE)) && out[4] == 0);
}

static void powers_are_close_and_end(void **state)
{
    full_precision(state);
    for (uint32_t z = 0; z <= ATTENTION_POWER_LAST; z++) {
        const double exact = exp2(-(double)z / (1 << ATTENTION_POWER_BITS)) * (1 << 14);
        assert_true(fabs((double)attention_power(z) + 0.5 - exact) <= 0.51 + 1.2e-4 * exact);
        assert_true(z == 0 || attention_power(z) <= attention_power(z - 1));
    }
    single_precision(state);
    assert_int_equal(attention_power(0), ATTENTION_POWER_ONE);
    assert_int_equal(attention_power(ATTENTION_POWER_LAST), 0);
}

static void check_attention(const struct kernel *kernel)
{
    static const uint32_t shapes[][3] = {{8, 4, 8},  {6, 6, 48}, {6, 2, 6},   {5, 1, 2},
                                         {1, 1, 64}, {4, 4, 10}, {2, 1, 128}, {1, 1, 1024}};
    for (uint32_t i = 0; i < COUNT_OF(shapes); i++) {
        for (uint32_t position = 0; position < 600; position += position < 36 ? 1 : 13) {
            struct attention_case it = random_attention(shapes[i][0], shapes[i][1], shapes[i][2], position);
            check_case(kernel, &it, assert_same_bits);
        }
    }
}

/* Scores that are all alike, in every order of size, and far apart. */
static void check_attention_by_factor(const struct kernel *kernel)
{
    for (int32_t exponent = -30; exponent < 30; exponent++) {
        struct attention_case it = random_attention(4, 2, 8, exponent % 10 == 0 ? 2500 : 333);
        it.q_scale[0] = it.q_scale[3] = ldexpf(1.0f, exponent);
        it.q_scale[1] = it.q_scale[2] = ldexpf(1.0f, -exponent);
        check_case(kernel, &it, assert_same_bits);
    }
}

/* Windows that begin anywhere in a block, of one position, of a block and beyond a chunk. */
static void check_attention_windows(const struct kernel *kernel)
{
    static const uint32_t windows[] = {1, 2, 31, 32, 33, 100, 256, 257, 300};
    for (size_t i = 0; i < COUNT_OF(windows); i++) {
        for (uint32_t position = 0; position < 700; position += 53) {
            struct attention_case it = random_attention(4, 2, 10, position);
            it.shape.window = windows[i];
            check_case(kernel, &it, assert_same_bits);
        }
    }
}

/* Every distance from a chunk's largest score that has 16 bits, twice as far, and NaN of either sign. */
static void check_attention_distances(const struct kernel *kernel)
{
    enum { LAST = KV_BLOCK + ATTENTION_CHUNK - 1, DISTANCES = ATTENTION_CHUNK - 3 };
    for (uint32_t first = 0; first <= UINT16_MAX; first += DISTANCES) {
        struct attention_case it = random_attention(2, 1, 2, LAST);
        memcpy(it.q, (int16_t[]){1, 0, 2, 0}, 4 * sizeof *it.q);
        it.q_scale[0] = it.q_scale[1] = it.shape.score_factor = 1.0f;
        for (uint32_t t = 0; t <= LAST; t++) {
            it.cache.k[kv_key_index(it.shape.head_stride, t, 0)] = 1;
            it.cache.k_scale[t] = t <= KV_BLOCK ? 0.0f : -(float)(first + t - KV_BLOCK - 1);
        }
        it.cache.k_scale[LAST] = float_from_bits(FLOAT_NAN | first << 31); /* DISTANCES is odd */
        check_case(kernel, &it, assert_same_bits);
    }
}

/* Scores that are infinite or not a number, alone in their chunk or not, before, at and after its largest. */
static void check_attention_infinities(const struct kernel *kernel)
{
    enum { LAST = KV_BLOCK + ATTENTION_CHUNK - 1, STEP = 37 };
    static const float odd[] = {INFINITY, -INFINITY, NAN, 3e38f, -3e38f};
    for (uint32_t i = 0; i < COUNT_OF(odd) * COUNT_OF(odd); i++) {
        for (uint32_t t = 0; t <= LAST; t += STEP) {
            struct attention_case it = random_attention(4, 2, 10, LAST);
            it.cache.k_scale[t] = odd[i / COUNT_OF(odd)];
            it.cache.k_scale[(t + STEP * STEP) % LAST] = odd[i % COUNT_OF(odd)];
            it.q_scale[1] = it.q_scale[3] = 0;
            check_case(kernel, &it, assert_same_bits);
        }
    }
}

static void attention_gives_the_same_bits(void **state)
{
    (void)state;
    for_each_kernel(check_attention);
    for_each_kernel(check_attention_by_factor);
    for_each_kernel(check_attention_distances);
    for_each_kernel(check_attention_infinities);
    for_each_kernel(check_attention_windows);
}

/* Attention in double precision, of one head. */
static void exact_attention(double *out, const struct attention_case *it)
{
    const struct attention *shape = &it->shape;
    const struct kv_cache *cache = &it->cache;
    double sum = 0;
    for (uint32_t i = 0; i < shape->head_size; i++) {
        out[i] = 0;
    }
    for (uint32_t t = shape->position < shape->window || shape->window == 0 ? 0 : shape->position - shape->window + 1;
         t <= shape->position; t++) {
        double dot = 0;
        for (uint32_t i = 0; i < shape->head_size; i++) {
            dot += (double)it->q[i] * cache->k[kv_key_index(shape->head_stride, t, i)];
        }
        const double weight = exp(dot * (double)it->q_scale[0] * (double)cache->k_scale[t] / sqrt(shape->head_size));
        sum += weight;
        for (uint32_t i = 0; i < shape->head_size; i++) {
            out[i] += weight * (double)cache->v_scale[t] * cache->v[kv_value_index(shape->head_stride, t, i)];
        }
    }
    for (uint32_t i = 0; i < shape->head_size; i++) {
        out[i] /= sum;
    }
}

/* How far the definition is from it, as a part of the length of the vector. */
static double attention_error(void **state, const struct attention_case *it)
{
    double exact[ATTENTION_HEAD_MAX], error = 0, length = 0;
    float *out = run_attention(&kernel_scalar, it);
    full_precision(state);
    exact_attention(exact, it);
    for (uint32_t i = 0; i < it->shape.head_size; i++) {
        error += (exact[i] - (double)out[i]) * (exact[i] - (double)out[i]);
        length += exact[i] * exact[i];
    }
    error = sqrt(error / length);
    single_precision(state);
    free(out);
    return error;
}

static void scalar_attention_is_attention(void **state)
{
    for (uint32_t position = 0; position < 1500; position += 300) {
        struct attention_case it = random_attention(1, 1, 64, position);
        assert_true(attention_error(state, &it) < 0.002);
        free_case(&it);
    }
}

/* What lies before a window has no influence, however large. */
static void scalar_attention_stays_in_its_window(void **state)
{
    for (uint32_t window = 1; window < 600; window += window < 40 ? 1 : 83) {
        struct attention_case it = random_attention(1, 1, 64, 700);
        it.shape.window = window;
        for (uint32_t t = 0; t <= 700 - window; t++) {
            it.cache.v_scale[t] *= 100;
            it.cache.k_scale[t] *= 3;
        }
        for (uint32_t t = 0; t < it.shape.context; t++) {
            it.cache.v_largest[t] = 250;
        }
        assert_true(attention_error(state, &it) < 0.002);
        free_case(&it);
    }
}

/* The first position has nine tenths of the softmax and next to nothing as its value, as in many trained models. */
static void a_sink_does_not_drown_the_rest(void **state)
{
    for (uint32_t position = 125; position <= 8000; position *= 2) {
        struct attention_case it = random_attention(1, 1, 64, position);
        float dot = 0;
        for (uint32_t i = 0; i < 64; i++) {
            int16_t *key = &it.cache.k[kv_key_index(64, 0, i)];
            *key = it.q[i];
            dot += (float)it.q[i] * (float)*key;
        }
        for (uint32_t t = 1; t <= position; t++) {
            it.cache.k_scale[t] *= 0.2f; /* all others much alike */
        }
        it.cache.k_scale[0] = logf(9.0f * (float)position) * sqrtf(64) / (dot * it.q_scale[0]);
        it.cache.v_scale[0] *= 0.0001f;
        assert_true(attention_error(state, &it) <
                    (position < 500 ? 0.06 : 0.2)); /* what shares its block is cut short */
        free_case(&it);
    }
}

/* The largest sums that there can be: a head of ATTENTION_HEAD_MAX, and positions that all have the same weight. */
static void check_largest_sums(const struct kernel *kernel)
{
    enum { LAST = 4 * ATTENTION_CHUNK - 1 };
    struct attention_case it = random_attention(1, 1, ATTENTION_HEAD_MAX, LAST);
    const size_t n = (size_t)it.shape.context * it.shape.head_stride;
    for (uint32_t i = 0; i < ATTENTION_HEAD_MAX; i++) {
        it.q[i] = i % 2 == 0 ? KV_KEY_RANGE : -KV_KEY_RANGE;
    }
    for (size_t i = 0; i < n; i++) {
        it.cache.k[i] = i % 2 == 0 ? KV_KEY_RANGE : -KV_KEY_RANGE; /* neighbours are dimensions */
        it.cache.v[i] = -KV_VALUE_RANGE;
    }
    for (uint32_t t = 0; t < it.shape.context; t++) {
        it.cache.k_scale[t] = it.cache.v_scale[t] = it.cache.v_largest[t] = 1.0f;
    }
    float *out = run_attention(kernel, &it);
    const double weight = attention_coefficient(ATTENTION_POWER_ONE, ATTENTION_RATIO_MAX);
    for (uint32_t i = 0; i < ATTENTION_HEAD_MAX; i++) {
        assert_true(fabs((double)out[i] + KV_VALUE_RANGE * weight / ATTENTION_POWER_ONE) < 1e-4);
    }
    free(out);
    free_case(&it);
}

static void the_largest_sums_are_exact(void **state)
{
    (void)state;
    check_largest_sums(&kernel_scalar);
    for_each_kernel(check_largest_sums);
}

static void the_best_kernel_is_the_last_usable(void **state)
{
    (void)state;
    assert_ptr_equal(kernel_best(&(struct cpu_features){.fpu = true}), &kernel_scalar);
    assert_ptr_equal(kernel_best(&(struct cpu_features){.sse2 = true}), &kernel_sse2);
    assert_ptr_equal(kernel_best(&(struct cpu_features){.sse2 = true, .avx2 = true}), &kernel_avx2);
    assert_ptr_equal(kernel_best(&(struct cpu_features){.sse2 = true, .avx2 = true, .avxvnni = true}), &kernel_avxvnni);
    assert_ptr_equal(
        kernel_best(&(struct cpu_features){.sse2 = true, .avx2 = true, .avxvnni = true, .avx512vnni = true}),
        &kernel_avx512vnni);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tiles_come_back),
        cmocka_unit_test(scalar_matmul_is_the_product),
        cmocka_unit_test(matmul_gives_the_same_bits),
        cmocka_unit_test(scalar_quantize_keeps_its_rules),
        cmocka_unit_test(quantize_gives_the_same_bits),
        cmocka_unit_test(norm_quantize_gives_the_same_bits),
        cmocka_unit_test(exponentials_give_the_same_bits),
        cmocka_unit_test(scalar_rotate_turns_pairs),
        cmocka_unit_test(rotate_gives_the_same_bits),
        cmocka_unit_test(scalar_heads_quantize_keeps_its_rules),
        cmocka_unit_test(heads_are_quantized_to_the_same_bits),
        cmocka_unit_test(powers_are_close_and_end),
        cmocka_unit_test(scalar_attention_is_attention),
        cmocka_unit_test(scalar_attention_stays_in_its_window),
        cmocka_unit_test(a_sink_does_not_drown_the_rest),
        cmocka_unit_test(the_largest_sums_are_exact),
        cmocka_unit_test(attention_gives_the_same_bits),
        cmocka_unit_test(the_best_kernel_is_the_last_usable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
