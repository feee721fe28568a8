#include "gguf/blocks.h"

#include "base/memory.h"
#include "gguf/block_types.h"
#include "gguf/gguf.h"

/* The values of four bits. Twice those of OCP's FP4 E2M1, so its scale is halved. */
static const int8_t iq4_values[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
static const int8_t fp4_values[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

struct size {
    uint16_t elements, bytes;
};

static struct size size_of(uint32_t type)
{
    switch (type) {
    case GGUF_TYPE_F32:
        return (struct size){1, sizeof(float)};
    case GGUF_TYPE_F16:
    case GGUF_TYPE_BF16:
        return (struct size){1, sizeof(uint16_t)};
    case GGUF_TYPE_Q4_0:
    case GGUF_TYPE_IQ4_NL:
        return (struct size){Q8_0_BLOCK, sizeof(struct q4_0)};
    case GGUF_TYPE_Q4_1:
        return (struct size){Q8_0_BLOCK, sizeof(struct q4_1)};
    case GGUF_TYPE_Q5_0:
        return (struct size){Q8_0_BLOCK, sizeof(struct q5_0)};
    case GGUF_TYPE_Q5_1:
        return (struct size){Q8_0_BLOCK, sizeof(struct q5_1)};
    case GGUF_TYPE_Q8_0:
        return (struct size){Q8_0_BLOCK, sizeof(struct q8_0_block)};
    case GGUF_TYPE_MXFP4:
        return (struct size){Q8_0_BLOCK, sizeof(struct mxfp4)};
    case GGUF_TYPE_Q2_K:
        return (struct size){K_ELEMENTS, sizeof(struct q2_k)};
    case GGUF_TYPE_Q3_K:
        return (struct size){K_ELEMENTS, sizeof(struct q3_k)};
    case GGUF_TYPE_Q4_K:
        return (struct size){K_ELEMENTS, sizeof(struct q4_k)};
    case GGUF_TYPE_Q5_K:
        return (struct size){K_ELEMENTS, sizeof(struct q5_k)};
    case GGUF_TYPE_Q6_K:
        return (struct size){K_ELEMENTS, sizeof(struct q6_k)};
    case GGUF_TYPE_IQ4_XS:
        return (struct size){K_ELEMENTS, sizeof(struct iq4_xs)};
    default:
        return (struct size){0, 0};
    }
}

uint32_t blocks_elements(uint32_t type)
{
    return size_of(type).elements;
}

uint32_t blocks_bytes(uint32_t type)
{
    return size_of(type).bytes;
}

/* ---- 32 integers and one scale ---- */

/* The four bits of element i of 32: the lower halves of 16 bytes, then the upper ones. */
static uint32_t nibble(const uint8_t low[16], uint32_t i)
{
    return i < 16 ? low[i] & 15u : low[i - 16] >> 4;
}

static void read_q5_0(int8_t q[Q8_0_BLOCK], const struct q5_0 *block)
{
    for (uint32_t i = 0; i < Q8_0_BLOCK; i++) {
        q[i] = (int8_t)((nibble(block->low, i) | (block->high >> i & 1) << 4) - 16);
    }
}

static void read_values(int8_t q[Q8_0_BLOCK], const uint8_t low[16], const int8_t values[16])
{
    for (uint32_t i = 0; i < Q8_0_BLOCK; i++) {
        q[i] = values[nibble(low, i)];
    }
}

/* Reads a block of such a type as integers and their scale. Returns false for other types. */
static bool read_numbers(int8_t q[Q8_0_BLOCK], float *scale, const uint8_t *block, uint32_t type)
{
    const struct q4_0 *four = (const struct q4_0 *)block; /* the scale comes first in all but one of them */
    switch (type) {
    case GGUF_TYPE_Q5_0:
        read_q5_0(q, (const struct q5_0 *)block);
        break;
    case GGUF_TYPE_Q8_0:
        memcpy(q, ((const struct q8_0_block *)block)->q, Q8_0_BLOCK);
        break;
    case GGUF_TYPE_IQ4_NL:
        read_values(q, four->low, iq4_values);
        break;
    case GGUF_TYPE_MXFP4: {
        const struct mxfp4 *fp4 = (const struct mxfp4 *)block;
        const uint32_t exponent = fp4->exponent; /* 2^-128 and 2^-127 are subnormal floats */
        read_values(q, fp4->low, fp4_values);
        *scale = float_from_bits(exponent < 2 ? 0x00200000u << exponent : (exponent - 1) << 23);
        return true;
    }
    default:
        return false;
    }
    *scale = half_to_float(four->scale);
    return true;
}

/* ---- Other types ---- */

static void decode_floats(float *out, const uint8_t *bytes, uint32_t type, uint32_t count)
{
    if (type == GGUF_TYPE_F32) {
        memcpy(out, bytes, count * sizeof *out);
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        const uint16_t half = (uint16_t)(bytes[2 * i] | bytes[2 * i + 1] << 8);
        out[i] = type == GGUF_TYPE_F16 ? half_to_float(half) : float_from_bfloat(half);
    }
}

static void decode_q5_1(float *out, const struct q5_1 *block)
{
    const float scale = half_to_float(block->scale), minimum = half_to_float(block->minimum);
    for (uint32_t i = 0; i < Q8_0_BLOCK; i++) {
        const uint32_t q = nibble(block->low, i) | (block->high >> i & 1) << 4;
        out[i] = (float)(int32_t)q * scale + minimum;
    }
}

/* The two bits of element i of 256: each half of 128 takes 32 bytes, with one bit pair of each byte per quarter. */
static uint32_t two_bits(const uint8_t low[64], uint32_t i)
{
    return low[i / 128 * 32 + i % 32] >> i % 128 / 32 * 2 & 3u;
}

static void decode_q2_k(float *out, const struct q2_k *block)
{
    const float scale = half_to_float(block->scale), minimum = half_to_float(block->minimum);
    for (uint32_t group = 0; group < K_ELEMENTS / 16; group++) {
        const uint32_t factors = block->scales[group];
        const float factor = scale * (float)(int32_t)(factors & 15), below = minimum * (float)(int32_t)(factors >> 4);
        for (uint32_t i = 16 * group; i < 16 * group + 16; i++) {
            out[i] = factor * (float)(int32_t)two_bits(block->low, i) - below;
        }
    }
}

/* The factor of a group of 16: four bits of the first 8 bytes, two bits of the last 4. */
static int32_t q3_k_factor(const uint8_t scales[12], uint32_t group)
{
    const uint32_t low = group < 8 ? scales[group] & 15u : scales[group - 8] >> 4;
    const uint32_t high = scales[8 + group % 4] >> group / 4 * 2 & 3u;
    return (int32_t)(low | high << 4) - 32;
}

static void decode_q3_k(float *out, const struct q3_k *block)
{
    const float scale = half_to_float(block->scale);
    for (uint32_t group = 0; group < K_ELEMENTS / 16; group++) {
        const float factor = scale * (float)q3_k_factor(block->scales, group);
        for (uint32_t i = 16 * group; i < 16 * group + 16; i++) {
            const uint32_t high = block->high[i % 32] >> i / 32 & 1u;
            out[i] = factor * (float)((int32_t)(two_bits(block->low, i) | high << 2) - 4);
        }
    }
}

struct factors {
    uint8_t scale, minimum; /* 0..63 */
};

/* The factors of a group of 32: those of the first four groups are whole in 8 bytes; the others use the free bits of
   these and the last 4 bytes. */
static struct factors k_factors(const uint8_t scales[12], uint32_t group)
{
    uint32_t scale = scales[group] & 63u, minimum = scales[group + 4] & 63u;
    if (group >= 4) {
        scale = (scales[group + 4] & 15u) | (scales[group - 4] & 0xC0u) >> 2;
        minimum = scales[group + 4] >> 4 | (scales[group] & 0xC0u) >> 2;
    }
    return (struct factors){(uint8_t)scale, (uint8_t)minimum};
}

/* The four bits of element i of 256: 64 elements in 32 bytes, the first 32 of them below. */
static uint32_t four_bits(const uint8_t low[128], uint32_t i)
{
    return low[i / 64 * 32 + i % 32] >> i % 64 / 32 * 4 & 15u;
}

static void decode_q5_k(float *out, const struct q5_k *block)
{
    const float scale = half_to_float(block->scale), minimum = half_to_float(block->minimum);
    for (uint32_t group = 0; group < K_ELEMENTS / 32; group++) {
        const struct factors factors = k_factors(block->scales, group);
        const float factor = scale * (float)factors.scale, below = minimum * (float)factors.minimum;
        for (uint32_t i = 32 * group; i < 32 * group + 32; i++) {
            const uint32_t q = four_bits(block->low, i) | (block->high[i % 32] >> group & 1u) << 4;
            out[i] = factor * (float)(int32_t)q - below;
        }
    }
}

static int32_t iq4_xs_factor(const struct iq4_xs *block, uint32_t group)
{
    const uint32_t low = block->scales_low[group / 2] >> group % 2 * 4 & 15u;
    const uint32_t high = block->scales_high >> group * 2 & 3u;
    return (int32_t)(low | high << 4) - 32;
}

static void decode_iq4_xs(float *out, const struct iq4_xs *block)
{
    const float scale = half_to_float(block->scale);
    for (uint32_t group = 0; group < K_ELEMENTS / 32; group++) {
        const float factor = scale * (float)iq4_xs_factor(block, group);
        for (uint32_t i = 0; i < 32; i++) {
            out[32 * group + i] = factor * (float)iq4_values[nibble(block->low + 16 * group, i)];
        }
    }
}

/* The values of 32 narrow weights, as narrow.h has them. */
static void decode_narrow(float *out, const struct narrow_block *block, enum narrow_kind kind)
{
    const float scale = half_to_float(block->scale), minimum = half_to_float(block->minimum);
    const float below = kind == Q4_MINIMUM ? -minimum : minimum * (float)block->minimum_factor;
    const int32_t middle = kind == Q4_SCALE ? 8 : kind == Q6_FACTORS ? 32 : 0;
    for (uint32_t i = 0; i < Q8_0_BLOCK; i++) {
        const uint32_t high = block->high[i % 16 / 8 * 4 + i % 4] >> (i % 8 / 4 * 4 + i / 16 * 2) & 3u;
        const float factor = kind == Q4_FACTORS   ? scale * (float)block->scale_factor
                             : kind == Q6_FACTORS ? scale * (float)block->factor[i / 16]
                                                  : scale;
        out[i] = factor * (float)((int32_t)(nibble(block->low, i) | high << 4) - middle) - below;
    }
}

/* ---- Rows ---- */

static void decode_block(float *out, const uint8_t *block, uint32_t type)
{
    const enum narrow_kind kind = blocks_narrow_kind(type);
    int8_t q[Q8_0_BLOCK];
    float scale;
    if (kind != NARROW_NONE) {
        struct narrow_block narrow[BLOCKS_ELEMENTS_MAX / Q8_0_BLOCK];
        const uint32_t elements = size_of(type).elements;
        blocks_to_narrow(narrow, block, type, elements);
        for (uint32_t i = 0; i < elements; i += Q8_0_BLOCK) {
            decode_narrow(out + i, &narrow[i / Q8_0_BLOCK], kind);
        }
        return;
    }
    if (read_numbers(q, &scale, block, type)) {
        for (uint32_t i = 0; i < Q8_0_BLOCK; i++) {
            out[i] = (float)q[i] * scale;
        }
        return;
    }
    switch (type) {
    case GGUF_TYPE_Q5_1:
        decode_q5_1(out, (const struct q5_1 *)block);
        break;
    case GGUF_TYPE_Q2_K:
        decode_q2_k(out, (const struct q2_k *)block);
        break;
    case GGUF_TYPE_Q3_K:
        decode_q3_k(out, (const struct q3_k *)block);
        break;
    case GGUF_TYPE_Q5_K:
        decode_q5_k(out, (const struct q5_k *)block);
        break;
    default:
        decode_iq4_xs(out, (const struct iq4_xs *)block);
        break;
    }
}

void blocks_decode(float *out, const uint8_t *bytes, uint32_t type, uint32_t count)
{
    const struct size size = size_of(type);
    if (size.elements == 1) {
        decode_floats(out, bytes, type, count);
        return;
    }
    for (; count > 0; count -= size.elements, out += size.elements, bytes += size.bytes) {
        decode_block(out, bytes, type);
    }
}

/* Keeps a block of integers exactly. Returns false if a Q8_0 block cannot hold it. */
static bool keep_numbers(struct q8_0_block *out, const uint8_t *block, uint32_t type)
{
    float scale;
    if (!read_numbers(out->q, &scale, block, type)) {
        return false;
    }
    out->scale = half_from_float(scale); /* exact, including NaN and infinity, for all but MXFP4 */
    return type != GGUF_TYPE_MXFP4 || half_to_float(out->scale) == scale;
}

bool blocks_are_kept(uint32_t type)
{
    return type == GGUF_TYPE_Q5_0 || type == GGUF_TYPE_Q8_0 || type == GGUF_TYPE_IQ4_NL || type == GGUF_TYPE_MXFP4;
}

/*
 * Where the numbers of 32 elements lie: offset + step * n, n whole. A scale of which `step` is a multiple keeps their
 * distances, and the one offset is all that is rounded; other scales round each n in its own way, all groups alike: a
 * bias of a whole matrix. Of two groups of 16 the one with the larger steps counts. `least`: how many scales a step
 * must have, so that the coarser scale costs less than it wins, as for 16 values and fewer; 0: no grid.
 */
struct grid {
    float step, offset;
    uint32_t least;
};

static struct grid grid_of_factors(float step, float offset)
{
    return (struct grid){step, offset, 9};
}

static struct grid grid_of_q5_k(const struct q5_k *block, uint32_t group)
{
    const struct factors factors = k_factors(block->scales, group);
    return grid_of_factors(half_to_float(block->scale) * factors.scale,
                           -half_to_float(block->minimum) * factors.minimum);
}

static struct grid grid_of_q2_k(const struct q2_k *block, uint32_t group)
{
    const uint32_t first = block->scales[2 * group], second = block->scales[2 * group + 1];
    const uint32_t factors = (first & 15) < (second & 15) ? second : first;
    return grid_of_factors(half_to_float(block->scale) * (float)(int32_t)(factors & 15),
                           -half_to_float(block->minimum) * (float)(int32_t)(factors >> 4));
}

/* Symmetric, with two factors. */
static struct grid grid_of_q3_k(const struct q3_k *block, uint32_t group)
{
    const int32_t first = q3_k_factor(block->scales, 2 * group), second = q3_k_factor(block->scales, 2 * group + 1);
    const int32_t larger = first * first < second * second ? second : first;
    return grid_of_factors(half_to_float(block->scale) * (float)larger, 0);
}

/* The grid of elements 32 * group on of a block. */
static struct grid grid_of(const uint8_t *bytes, uint32_t type, uint32_t group)
{
    switch (type) {
    case GGUF_TYPE_Q5_1: {
        const struct q5_1 *block = (const struct q5_1 *)bytes;
        return grid_of_factors(half_to_float(block->scale), half_to_float(block->minimum));
    }
    case GGUF_TYPE_Q2_K:
        return grid_of_q2_k((const struct q2_k *)bytes, group);
    case GGUF_TYPE_Q3_K:
        return grid_of_q3_k((const struct q3_k *)bytes, group);
    case GGUF_TYPE_Q5_K:
        return grid_of_q5_k((const struct q5_k *)bytes, group);
    case GGUF_TYPE_IQ4_XS: {
        const struct iq4_xs *block = (const struct iq4_xs *)bytes;
        return (struct grid){half_to_float(block->scale) * (float)iq4_xs_factor(block, group), 0, 1};
    }
    default:
        return (struct grid){0, 0, 0};
    }
}

/* How far x is from the nearest whole number; |x| < 2^22. */
static float distance_to_whole(float x)
{
    const float distance = x - (float)(int32_t)x;
    const float magnitude = distance < 0 ? -distance : distance;
    return magnitude < 0.5f ? magnitude : 1.0f - magnitude;
}

/* The scale of 32 numbers: a part of the grid's step, of those up to a third coarser than the finest the one that
   rounds the offset least; by the rule where there is no grid, or numbers are too small or too large to be computed
   with. */
static float scale_of(const struct grid *grid, float largest)
{
    const float step = grid->step < 0 ? -grid->step : grid->step;
    const bool usable = grid->least > 0 && step >= 0x1p-60f && largest >= 0x1p-60f && largest < 0x1p60f;
    const float finest = usable ? 127.0f * step / largest : 0.0f, least = (float)(int32_t)grid->least;
    if (!usable || finest < least) {
        return largest / 127.0f;
    }
    const float most = finest < 127.0f ? (float)(int32_t)finest : 127.0f, shift = grid->offset / step;
    float parts = most, error = distance_to_whole(shift * most);
    for (float n = most - 1; error > 0 && n >= least && 4 * n >= 3 * most; n--) {
        const float other = distance_to_whole(shift * n);
        if (other * parts < error * n) { /* other / n < error / parts */
            parts = n;
            error = other;
        }
    }
    return step / parts;
}

/* The scale of x [n], the numbers of a block's group. */
static float scale_of_group(const float *x, uint32_t n, const uint8_t *block, uint32_t type, uint32_t group)
{
    const struct grid grid = grid_of(block, type, group);
    return scale_of(&grid, q8_0_largest(x, n));
}

static void quantize_block(struct q8_0_block *out, const float *x, uint32_t count, const uint8_t *block, uint32_t type)
{
    for (uint32_t group = 0; group * Q8_0_BLOCK < count; group++, x += Q8_0_BLOCK, out++) {
        const uint32_t left = count - group * Q8_0_BLOCK, n = left < Q8_0_BLOCK ? left : Q8_0_BLOCK;
        out->scale = q8_0_quantize_by(out->q, x, n, scale_of_group(x, n, block, type, group));
    }
}

bool blocks_scales(float *scale, const float *x, const uint8_t *bytes, uint32_t type, uint32_t count)
{
    const struct size size = size_of(type);
    for (uint32_t i = 0; size.elements > 1 && i < count; i += Q8_0_BLOCK, x += Q8_0_BLOCK) {
        const uint8_t *block = bytes + i / size.elements * size.bytes;
        *scale++ = scale_of_group(x, Q8_0_BLOCK, block, type, i % size.elements / Q8_0_BLOCK);
    }
    return size.elements > 1;
}

void blocks_to_q8_0(struct q8_0_block *out, const uint8_t *bytes, uint32_t type, uint32_t count)
{
    const struct size size = size_of(type);
    const uint32_t step = size.elements > Q8_0_BLOCK ? size.elements : Q8_0_BLOCK;
    while (count > 0) {
        const uint32_t n = count < step ? count : step;
        float x[BLOCKS_ELEMENTS_MAX];
        if (!keep_numbers(out, bytes, type)) {
            blocks_decode(x, bytes, type, n);
            quantize_block(out, x, n, bytes, type);
        }
        bytes += n / size.elements * size.bytes;
        out += (n + Q8_0_BLOCK - 1) / Q8_0_BLOCK;
        count -= n;
    }
}

/* ---- Narrower than a byte ---- */

enum narrow_kind blocks_narrow_kind(uint32_t type)
{
    switch (type) {
    case GGUF_TYPE_Q4_0:
        return Q4_SCALE;
    case GGUF_TYPE_Q4_1:
        return Q4_MINIMUM;
    case GGUF_TYPE_Q4_K:
        return Q4_FACTORS;
    case GGUF_TYPE_Q6_K:
        return Q6_FACTORS;
    default:
        return NARROW_NONE;
    }
}

/* The lower four bits of 32 elements, four at a time: the lower or, with a shift, the upper halves of 32 bytes. */
static void take_low(struct narrow_block *out, const uint8_t *low, uint32_t shift)
{
    for (uint32_t i = 0; i < sizeof out->low; i += sizeof(uint32_t)) {
        const uint32_t first = narrow_four(low + i) >> shift & 0x0F0F0F0F;
        const uint32_t second = narrow_four(low + 16 + i) >> shift & 0x0F0F0F0F, both = first | second << 4;
        __builtin_memcpy(out->low + i, &both, sizeof both);
    }
}

/* Their upper two bits, each a pair of bits of 32 bytes. */
static void take_high(struct narrow_block *out, const uint8_t *high, uint32_t shift)
{
    static const uint8_t from[4] = {0, 16, 4, 20}; /* of a byte's pairs, from the lowest on */
    for (uint32_t i = 0; i < sizeof out->high; i += sizeof(uint32_t)) {
        uint32_t four = 0;
        for (uint32_t pair = 0; pair < 4; pair++) {
            four |= (narrow_four(high + 2 * i + from[pair]) >> shift & 0x03030303) << 2 * pair;
        }
        __builtin_memcpy(out->high + i, &four, sizeof four);
    }
}

static void q4_k_to_narrow(struct narrow_block *out, const struct q4_k *block)
{
    for (uint32_t group = 0; group < K_ELEMENTS / 32; group++, out++) {
        const struct factors factors = k_factors(block->scales, group);
        *out = (struct narrow_block){.scale = block->scale,
                                     .minimum = block->minimum,
                                     .scale_factor = factors.scale,
                                     .minimum_factor = factors.minimum};
        take_low(out, block->low + group / 2 * 32, group % 2 * 4);
    }
}

/* A block's halves have 64 bytes of lower bits each, for two groups in the lower halves and two in the upper ones, and
   32 bytes of upper ones, a pair of bits for each group. */
static void q6_k_to_narrow(struct narrow_block *out, const struct q6_k *block)
{
    for (uint32_t group = 0; group < K_ELEMENTS / 32; group++, out++) {
        const uint32_t half = group / 4, quarter = group % 4;
        *out = (struct narrow_block){.scale = block->scale,
                                     .factor = {block->scales[2 * group], block->scales[2 * group + 1]}};
        take_low(out, block->low + half * 64 + quarter % 2 * 32, quarter / 2 * 4);
        take_high(out, block->high + half * 32, quarter * 2);
    }
}

void blocks_to_narrow(struct narrow_block *out, const uint8_t *bytes, uint32_t type, uint32_t count)
{
    const struct size size = size_of(type);
    for (; count > 0; count -= size.elements, bytes += size.bytes, out += size.elements / Q8_0_BLOCK) {
        const struct q4_0 *four = (const struct q4_0 *)bytes;
        const struct q4_1 *one = (const struct q4_1 *)bytes;
        if (type == GGUF_TYPE_Q4_K) {
            q4_k_to_narrow(out, (const struct q4_k *)bytes);
            continue;
        }
        if (type == GGUF_TYPE_Q6_K) {
            q6_k_to_narrow(out, (const struct q6_k *)bytes);
            continue;
        }
        *out = (struct narrow_block){.scale = four->scale, .minimum = type == GGUF_TYPE_Q4_1 ? one->minimum : 0};
        __builtin_memcpy(out->low, type == GGUF_TYPE_Q4_1 ? one->low : four->low, sizeof out->low);
    }
}
