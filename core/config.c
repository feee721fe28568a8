/* The settings text (config.h): one table says what each key takes. */
#include "config.h"

#include "memory.h"
#include "utf8.h"

enum { REPORTS_MAX = 10, KEY_SHOWN_MAX = 32 };

enum kind { REAL, COUNT, SEED, TEXT };

static const struct setting {
    char key[16];
    uint8_t kind;
    uint16_t offset; /* in struct config */
    uint32_t most;   /* REAL, COUNT: the largest value; TEXT: bytes, its NUL included */
    bool above_zero; /* REAL: 0 itself is not allowed */
} settings[] = {
    {"temperature", REAL, offsetof(struct config, sampling.temperature), 100, false},
    {"top_p", REAL, offsetof(struct config, sampling.top_p), 1, false},
    {"min_p", REAL, offsetof(struct config, sampling.min_p), 1, false},
    {"repeat_penalty", REAL, offsetof(struct config, sampling.repeat_penalty), 100, true},
    {"top_k", COUNT, offsetof(struct config, sampling.top_k), 1000000, false},
    {"seed", SEED, offsetof(struct config, sampling.seed), 0, false},
    {"steps", COUNT, offsetof(struct config, steps), 1000000, false},
    {"model", TEXT, offsetof(struct config, model), PLATFORM_NAME_MAX, false},
    {"prompt", TEXT, offsetof(struct config, prompt), PROMPT_MAX, false},
};

enum { SETTINGS = sizeof settings / sizeof settings[0] };

struct config config_default(void)
{
    struct config config = {.sampling = sampling_default()};

    return config;
}

/* ---- One setting ---- */

struct span {
    const char *text;
    size_t n;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static struct span trim(struct span span)
{
    while (span.n > 0 && is_blank(span.text[0])) {
        span.text++;
        span.n--;
    }
    while (span.n > 0 && is_blank(span.text[span.n - 1]))
        span.n--;
    return span;
}

static int set_real(struct config *config, const struct setting *setting, struct span value, struct error *error)
{
    float number;

    if (!parse_float(value.text, value.n, &number) || !(number >= 0.0f && number <= (float)(int32_t)setting->most) ||
        (setting->above_zero && number == 0.0f))
        return fail(error, "%s is a number %s %u", setting->key, setting->above_zero ? "above 0, at most" : "from 0 to",
                    setting->most);
    memcpy((char *)config + setting->offset, &number, sizeof number);
    return 0;
}

static int set_count(struct config *config, const struct setting *setting, struct span value, struct error *error)
{
    uint64_t number;

    if (!parse_u64(value.text, value.n, &number) || number > setting->most)
        return fail(error, "%s is a whole number from 0 to %u", setting->key, setting->most);
    uint32_t count = (uint32_t)number;
    memcpy((char *)config + setting->offset, &count, sizeof count);
    return 0;
}

static int set_seed(struct config *config, const struct setting *setting, struct span value, struct error *error)
{
    if (!parse_u64(value.text, value.n, &config->sampling.seed))
        return fail(error, "%s is a whole number from 0 to 18446744073709551615", setting->key);
    return 0;
}

static int check_text(const struct setting *setting, struct span value, struct error *error)
{
    if (value.n >= setting->most)
        return fail(error, "%s has %zu bytes; at most %u are allowed", setting->key, value.n, setting->most - 1);
    for (size_t i = 0; i < value.n;) {
        int length = utf8_sequence((const uint8_t *)value.text + i, value.n - i);
        if (length <= 0)
            return fail(error, "%s is not UTF-8; save the file in that encoding", setting->key);
        if ((uint8_t)value.text[i] < ' ' && value.text[i] != '\t')
            return fail(error, "%s holds a control character", setting->key);
        bool separator = value.text[i] == '/' || value.text[i] == '\\';
        if (separator && setting->offset == offsetof(struct config, model))
            return fail(error, "%s is the name of a file in /MODELS, without a folder", setting->key);
        i += (size_t)length;
    }
    return 0;
}

static int set_text(struct config *config, const struct setting *setting, struct span value, struct error *error)
{
    char *text = (char *)config + setting->offset;

    if (value.n >= 2 && value.text[0] == '"' && value.text[value.n - 1] == '"')
        value = (struct span){value.text + 1, value.n - 2};
    if (check_text(setting, value, error) != 0)
        return -1;
    memcpy(text, value.text, value.n);
    text[value.n] = '\0';
    return 0;
}

static int set_value(struct config *config, const struct setting *setting, struct span value, struct error *error)
{
    switch (setting->kind) {
    case REAL:
        return set_real(config, setting, value, error);
    case COUNT:
        return set_count(config, setting, value, error);
    case SEED:
        return set_seed(config, setting, value, error);
    default:
        return set_text(config, setting, value, error);
    }
}

static int refuse_key(const char *key, struct error *error)
{
    char list[160];
    size_t used = 0;

    for (uint32_t i = 0; i < SETTINGS; i++)
        used += format(list + used, sizeof list - used, "%s%s", i > 0 ? ", " : "", settings[i].key);
    return fail(error, "there is no setting \"%s\"; there are %s", key, list);
}

int config_set(struct config *config, const char *key, size_t key_length, const char *value, size_t value_length,
               struct error *error)
{
    char name[KEY_SHOWN_MAX];

    utf8_printable(name, sizeof name, (const uint8_t *)key, key_length);
    for (uint32_t i = 0; i < SETTINGS; i++) {
        if (text_equal_nocase(name, settings[i].key))
            return set_value(config, &settings[i], trim((struct span){value, value_length}), error);
    }
    return refuse_key(name, error);
}

/* ---- The text ---- */

static int set_line(struct config *config, struct span line, struct error *error)
{
    size_t equals = 0;

    line = trim(line);
    if (line.n == 0 || line.text[0] == '#' || line.text[0] == ';')
        return 0;
    while (equals < line.n && line.text[equals] != '=')
        equals++;
    if (equals == line.n)
        return fail(error, "a setting is written key = value");
    struct span key = trim((struct span){line.text, equals});
    return config_set(config, key.text, key.n, line.text + equals + 1, line.n - equals - 1, error);
}

void config_parse(struct config *config, const char *text, size_t n, void (*report)(void *context, const char *message),
                  void *context)
{
    struct error error;
    char message[sizeof error.text + 32];
    uint32_t wrong = 0, number = 1;

    if (n >= 2 && (memcmp(text, "\xFF\xFE", 2) == 0 || memcmp(text, "\xFE\xFF", 2) == 0)) {
        report(context, "line 1: the file is UTF-16; save it as UTF-8");
        return;
    }
    size_t i = n >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    for (size_t end; i < n; i = end + 1, number++) {
        for (end = i; end < n && text[end] != '\n'; end++)
            continue;
        if (set_line(config, (struct span){text + i, end - i}, &error) == 0)
            continue;
        wrong++;
        format(message, sizeof message, "line %u: %s", number, error.text);
        if (wrong <= REPORTS_MAX)
            report(context, message);
    }
    if (wrong > REPORTS_MAX) {
        format(message, sizeof message, "and %u more wrong lines", wrong - REPORTS_MAX);
        report(context, message);
    }
}
