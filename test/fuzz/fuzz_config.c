/* Arbitrary settings text: whatever it says, each setting stays in its range and each report is one printable line. */
#include <stdlib.h>
#include <string.h>

#include "config.h"

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config config = config_default();
    uint32_t reports = 0;

    config_parse(&config, (const char *)data, size, check_report, &reports);
    check_range(config.sampling.temperature, 0, 100);
    check_range(config.sampling.top_p, 0, 1);
    check_range(config.sampling.min_p, 0, 1);
    check_range(config.sampling.repeat_penalty, 1e-30f, 100);
    if (config.sampling.top_k > 1000000 || config.steps > 1000000 ||
        memchr(config.model, '\0', sizeof config.model) == NULL ||
        memchr(config.prompt, '\0', sizeof config.prompt) == NULL)
        abort();
    return 0;
}
