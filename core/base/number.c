#include "base/number.h"

enum { FLOAT_DIGITS = 7, FLOAT_EXPONENT_MAX = 30, EXACT_POWER = 10, DIGITS_MAX = 100 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool number_parse_u64(const char *text, size_t n, uint64_t *value)
{
    const uint64_t tenth = UINT64_MAX / 10; /* constants: the compiler divides, not the program */
    uint64_t sum = 0;
    if (n == 0) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        uint32_t digit = (uint32_t)(text[i] - '0');
        if (!is_digit(text[i]) || sum > tenth || (sum == tenth && digit > UINT64_MAX % 10)) {
            return false;
        }
        sum = sum * 10 + digit;
    }
    *value = sum;
    return true;
}

/* The digits of a number and their power of ten. */
struct decimal {
    int32_t digits; /* the first FLOAT_DIGITS significant ones: exact as a float */
    int32_t exponent;
};

/* "12", "12.5", ".5": returns the bytes read, 0 if there is no digit. */
static size_t read_mantissa(const char *text, size_t n, struct decimal *decimal)
{
    size_t i = 0, digits = 0;
    int32_t kept = 0;
    bool after_point = false;
    for (; i < n && (is_digit(text[i]) || (text[i] == '.' && !after_point)); i++) {
        if (text[i] == '.') {
            after_point = true;
            continue;
        }
        digits++;
        if (kept < FLOAT_DIGITS) {
            decimal->digits = decimal->digits * 10 + (text[i] - '0');
            kept += decimal->digits != 0;
            decimal->exponent -= after_point;
        } else {
            decimal->exponent += !after_point;
        }
    }
    return digits > 0 ? i : 0;
}

/* An exponent such as "e-3", to the end of the text. */
static bool read_exponent(const char *text, size_t n, struct decimal *decimal)
{
    bool negative = n > 1 && text[1] == '-';
    size_t sign = n > 1 && (text[1] == '-' || text[1] == '+');
    uint64_t value;
    if ((text[0] != 'e' && text[0] != 'E') || !number_parse_u64(text + 1 + sign, n - 1 - sign, &value) ||
        value > 1000) {
        return false;
    }
    decimal->exponent += negative ? -(int32_t)value : (int32_t)value;
    return true;
}

/* Scales in steps of exact powers of ten, each one IEEE operation within the normal range. */
static float scale(float value, int32_t exponent)
{
    for (int32_t left = exponent < 0 ? -exponent : exponent; left > 0; left -= EXACT_POWER) {
        float power = 1.0f;
        for (int32_t i = 0; i < left && i < EXACT_POWER; i++) {
            power = power * 10.0f;
        }
        value = exponent < 0 ? value / power : value * power;
    }
    return value;
}

bool number_parse_float(const char *text, size_t n, float *value)
{
    size_t sign = n > 0 && text[0] == '-';
    struct decimal decimal = {0};
    if (n > DIGITS_MAX) {
        return false;
    }
    size_t used = read_mantissa(text + sign, n - sign, &decimal) + sign;
    if (used == sign || (used < n && !read_exponent(text + used, n - used, &decimal))) {
        return false;
    }
    if (decimal.digits == 0) {
        decimal.exponent = 0;
    }
    if (decimal.exponent < -FLOAT_EXPONENT_MAX || decimal.exponent > FLOAT_EXPONENT_MAX) {
        return false;
    }
    float magnitude = scale((float)decimal.digits, decimal.exponent);
    *value = sign != 0 ? -magnitude : magnitude;
    return true;
}

uint32_t number_rate_tenths(uint64_t amount, uint64_t microseconds)
{
    while (microseconds > UINT32_MAX) { /* keeps the division in 32 bits of divisor */
        microseconds >>= 1;
        amount >>= 1;
    }
    const uint64_t tenths = microseconds == 0 ? 0 : amount * 10 / microseconds;
    return tenths > UINT32_MAX ? UINT32_MAX : (uint32_t)tenths;
}
