/*
 * Arbitrary settings text. Whatever it says, each setting stays in its range, each report is one printable line, and
 * what a setting is said to be sets it to the same value. As UTF-16 the text says the same. The same holds for the text
 * as a command line, whose other words are printable, too.
 */
#include <stdlib.h>
#include <string.h>

#include "session/command_line.h"
#include "session/config_file.h"

#include "base/error.h"
#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct reports {
    uint32_t count;
    char text[11 * 600];
};

static void check_printable(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((uint8_t)*text < ' ' || *text == 0x7F) {
            abort();
        }
    }
}

static void check_report(void *context, const char *message)
{
    struct reports *reports = context;

    if (++reports->count > 11 || strlen(message) >= 600) {
        abort();
    }
    strcat(reports->text, message);
    check_printable(message);
}

static void check_word(void *context, const char *message)
{
    (void)context;
    check_printable(message);
}

static void check_range(float value, float least, float most)
{
    if (!(value >= least && value <= most)) {
        abort();
    }
}

static bool is_text(const char *text, size_t size)
{
    return memchr(text, '\0', size) != NULL;
}

static void check_ranges(const struct config *config)
{
    check_range(config->sampling.temperature, 0, 100);
    check_range(config->sampling.top_p, 0, 1);
    check_range(config->sampling.min_p, 0, 1);
    check_range(config->sampling.repeat_penalty, 0.000001f, 100);
    if (config->sampling.top_k > 1000000 || config->steps > 1000000 || config->countdown > 3600 ||
        config->stories > 1000000 || config->autostart > SETTING_ON || config->colour > SETTING_ON ||
        config->after > AFTER_OFF || config->wrap > 500 || (config->wrap > WRAP_OFF && config->wrap < 20) ||
        config->processors > PLATFORM_PROCESSORS_MAX || config->serial_port > 4 || config->serial_speed < 300 ||
        115200 % config->serial_speed != 0 || !is_text(config->model, sizeof config->model) ||
        !is_text(config->prompt, sizeof config->prompt) || !is_text(config->chat_system, sizeof config->chat_system) ||
        !is_text(config->chat_prefix, sizeof config->chat_prefix) ||
        !is_text(config->chat_suffix, sizeof config->chat_suffix) ||
        !is_text(config->chat_stop, sizeof config->chat_stop)) {
        abort();
    }
}

/* Every value as /set shows it, typed back. */
static void check_round_trip(const struct config *config)
{
    static char value[CONFIG_VALUE_MAX];
    struct config copy = config_default();
    struct error error;

    for (uint32_t i = 0; i < CONFIG_KEYS; i++) {
        config_value(config, i, value, sizeof value);
        if (strchr(value, '\t') != NULL ||
            config_set(&copy, config_key(i), strlen(config_key(i)), value, strlen(value), &error) != 0 ||
            !config_same(config, &copy, i)) {
            abort();
        }
    }
}

/* Writes UTF-8 as UTF-16 with a byte-order mark. Returns its bytes, 0 where the text has no such form. */
static size_t to_utf16(const char *text, size_t n, bool big_endian, uint8_t *out)
{
    size_t used = 0;
    uint32_t code = 0xFEFF;

    for (const char *end = text + n;; code = utf8_next(&text, end)) {
        const uint32_t high = 0xD800 + ((code - 0x10000) >> 10),
                       units[2] = {code < 0x10000 ? code : high, 0xDC00 + (code & 0x3FF)};
        if (code == UTF8_REPLACEMENT_CODE || code == 0) {
            return 0;
        }
        for (int i = 0; i < (code < 0x10000 ? 1 : 2); i++) {
            out[used + big_endian] = (uint8_t)units[i];
            out[used + !big_endian] = (uint8_t)(units[i] >> 8);
            used += 2;
        }
        if (text == end) {
            return used;
        }
    }
}

/* As the loader passes it: up to a NUL, in memory of just this size. */
static void check_command_line(const uint8_t *data, size_t size)
{
    struct config config = config_default();
    char *line = malloc(size + 1), ignored[64];

    memcpy(line, data, size);
    line[size] = 0;
    command_line_parse(&config, line, ignored, sizeof ignored, check_word, NULL);
    if (!is_text(ignored, sizeof ignored)) {
        abort();
    }
    check_printable(ignored);
    check_ranges(&config);
    check_round_trip(&config);
    free(line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t wide[CONFIG_FILE_MAX];
    struct config config = config_default(), again = config;
    struct reports reports = {0}, reports_again = {0};

    config_file_parse(&config, (const char *)data, size, check_report, &reports);
    check_ranges(&config);
    check_round_trip(&config);
    check_command_line(data, size);
    if (size == 0 || size > CONFIG_FILE_MAX / 2 - 2 || (size >= 3 && memcmp(data, "\xEF\xBB\xBF", 3) == 0)) {
        return 0;
    }
    const size_t n = to_utf16((const char *)data, size, data[0] % 2, wide);
    if (n > 0) {
        config_file_parse(&again, (const char *)wide, n, check_report, &reports_again);
        if (memcmp(&config, &again, sizeof config) != 0 || strcmp(reports.text, reports_again.text) != 0) {
            abort();
        }
    }
    return 0;
}
