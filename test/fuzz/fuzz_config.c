/* Arbitrary settings text: whatever it says, each setting stays in its range and each report is one printable line. */
#include <stdlib.h>
#include <string.h>

#include "session/config.h"

#include "base/error.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_report(void *context, const char *message)
{
    uint32_t *reports = context;

    if (++*reports > 11 || strlen(message) > 600)
        abort();
    for (; *message != '\0'; message++) {
        if ((uint8_t)*message < ' ' || *message == 0x7F)
            abort();
    }
}

static void check_range(float value, float least, float most)
{
    if (!(value >= least && value <= most))
        abort();
}

static bool is_text(const char *text, size_t size)
{
    return memchr(text, '\0', size) != NULL;
}

/* What a setting is said to be sets it to what it is; texts are shown without their tabs. */
static void check_values(const struct config *config)
{
    static char value[ENGINE_PROMPT_MAX], again[ENGINE_PROMPT_MAX];
    struct config copy = config_default();
    struct error error;

    for (uint32_t i = 0; i < CONFIG_KEYS; i++) {
        config_value(config, i, value, sizeof value);
        if (config_set(&copy, config_key(i), strlen(config_key(i)), value, strlen(value), &error) != 0) {
            if (strchr(value, '?') != NULL)
                continue;
            abort();
        }
        config_value(&copy, i, again, sizeof again);
        if (strcmp(value, again) != 0)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config config = config_default();
    uint32_t reports = 0;

    config_parse(&config, (const char *)data, size, check_report, &reports);
    check_range(config.sampling.temperature, 0, 100);
    check_range(config.sampling.top_p, 0, 1);
    check_range(config.sampling.min_p, 0, 1);
    check_range(config.sampling.repeat_penalty, 0.000001f, 100);
    if (config.sampling.top_k > 1000000 || config.steps > 1000000 || config.countdown > 3600 ||
        config.stories > 1000000 || config.autostart > SETTING_ON || config.colour > SETTING_ON ||
        config.after > AFTER_OFF || config.wrap > 500 || (config.wrap > WRAP_OFF && config.wrap < 20) ||
        config.processors > PLATFORM_PROCESSORS_MAX || config.serial_port > 4 || config.serial_speed < 300 ||
        115200 % config.serial_speed != 0 || !is_text(config.model, sizeof config.model) ||
        !is_text(config.prompt, sizeof config.prompt) || !is_text(config.chat_prefix, sizeof config.chat_prefix) ||
        !is_text(config.chat_suffix, sizeof config.chat_suffix) || !is_text(config.chat_stop, sizeof config.chat_stop))
        abort();
    check_values(&config);
    return 0;
}
