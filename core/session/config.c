#include "session/config.h"

#include "base/format.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/text.h"
#include "base/utf8.h"
#include "session/similar.h"

enum { REPORTS_MAX = 10, SHOWN_MAX = 32, UART_CLOCK = 115200, SPEED_MIN = 300 };

enum kind {
    REAL,   /* float */
    COUNT,  /* uint32_t: one of the words, numbered from 0, or a number */
    SEED,   /* seed and seed_random */
    SERIAL, /* serial_port and serial_speed */
    TEXT,   /* as it is */
    CHAT,   /* text with the escapes of chat_unescape */
};

static const struct setting {
    char key[15];
    uint8_t kind;
    uint16_t offset;   /* in struct config */
    uint8_t least;     /* COUNT: the smallest number. REAL: 1 = 0 itself is not allowed */
    uint8_t effect;    /* enum config_effect */
    uint32_t most;     /* REAL, COUNT: the largest number, 0 = words only; TEXT, CHAT: bytes, NUL included */
    const char *words; /* each with its NUL, and one NUL more */
} settings[CONFIG_KEYS] = {
    {"prompt", TEXT, offsetof(struct config, prompt), 0, EFFECT_NONE, ENGINE_PROMPT_MAX, ""},
    {"model", TEXT, offsetof(struct config, model), 0, EFFECT_MODEL, PLATFORM_NAME_MAX, ""},
    {"steps", COUNT, offsetof(struct config, steps), 0, EFFECT_NONE, 1000000, ""},
    {"temperature", REAL, offsetof(struct config, sampling.temperature), 0, EFFECT_NONE, 100, ""},
    {"top_p", REAL, offsetof(struct config, sampling.top_p), 0, EFFECT_NONE, 1, ""},
    {"top_k", COUNT, offsetof(struct config, sampling.top_k), 0, EFFECT_NONE, 1000000, ""},
    {"min_p", REAL, offsetof(struct config, sampling.min_p), 0, EFFECT_NONE, 1, ""},
    {"repeat_penalty", REAL, offsetof(struct config, sampling.repeat_penalty), 1, EFFECT_NONE, 100, ""},
    {"seed", SEED, offsetof(struct config, sampling.seed), 0, EFFECT_SEED, 1, "random\0"},
    {"autostart", COUNT, offsetof(struct config, autostart), 0, EFFECT_START, 0, "off\0on\0"},
    {"countdown", COUNT, offsetof(struct config, countdown), 0, EFFECT_START, 3600, ""},
    {"stories", COUNT, offsetof(struct config, stories), 0, EFFECT_START, 1000000, ""},
    {"after", COUNT, offsetof(struct config, after), 0, EFFECT_START, 0, "prompt\0reboot\0off\0"},
    {"serial", SERIAL, offsetof(struct config, serial_port), 0, EFFECT_SERIAL, 0, "off\0com1\0com2\0com3\0com4\0"},
    {"wrap", COUNT, offsetof(struct config, wrap), 20, EFFECT_NONE, 500, "auto\0off\0"},
    {"colour", COUNT, offsetof(struct config, colour), 0, EFFECT_COLOUR, 0, "off\0on\0"},
    {"chat_prefix", CHAT, offsetof(struct config, chat_prefix), 0, EFFECT_CHAT, CHAT_TEXT_MAX, ""},
    {"chat_suffix", CHAT, offsetof(struct config, chat_suffix), 0, EFFECT_CHAT, CHAT_TEXT_MAX, ""},
    {"chat_stop", CHAT, offsetof(struct config, chat_stop), 0, EFFECT_CHAT, CHAT_STOP_MAX, ""},
    {"processors", COUNT, offsetof(struct config, processors), 1, EFFECT_PROCESSORS, PLATFORM_PROCESSORS_MAX, "auto\0"},
};

#define REAL_SMALLEST 0.000001f /* less counts as 0 */

struct config config_default(void)
{
    return (struct config){
        .sampling = sampler_defaults(),
        .countdown = 3,
        .autostart = SETTING_ON,
        .stories = 1,
        .serial_port = 1,
        .serial_speed = UART_CLOCK,
        .colour = SETTING_ON,
    };
}

/* ---- The table, for people ---- */

const char *config_key(uint32_t index)
{
    return settings[index].key;
}

enum config_effect config_effect(uint32_t index)
{
    return settings[index].effect;
}

int config_find(const char *key, size_t n, struct error *error)
{
    const char *keys[CONFIG_KEYS];
    char shown[SHOWN_MAX];
    utf8_printable(shown, sizeof shown, (const uint8_t *)key, n);
    for (uint32_t i = 0; i < CONFIG_KEYS; i++) {
        keys[i] = settings[i].key;
        if (text_equal_nocase(shown, keys[i])) {
            return (int)i;
        }
    }
    const char *similar = similar_word(shown, keys, CONFIG_KEYS);
    if (similar == NULL) {
        return error_set(error, "there is no setting \"%s\"; /set lists them all", shown);
    }
    return error_set(error, "there is no setting \"%s\"; did you mean %s?", shown, similar);
}

/* Returns word number `index` of a setting, or NULL past the last one. */
static const char *word_at(const struct setting *setting, uint32_t index)
{
    const char *word = setting->words;
    while (index-- > 0 && *word != 0) {
        word += text_length(word) + 1;
    }
    return *word != 0 ? word : NULL;
}

/* Returns which word `text` is, in any case; -1 if it is none. */
static int find_word(const struct setting *setting, const char *text)
{
    const char *word;
    for (uint32_t i = 0; (word = word_at(setting, i)) != NULL; i++) {
        if (text_equal_nocase(word, text)) {
            return (int)i;
        }
    }
    return -1;
}

/* The words, and the numbers where there are any: "auto, off or a whole number from 20 to 500". */
static void allowed_words(const struct setting *setting, char *out, size_t size)
{
    const char *word;
    size_t used = 0;
    for (uint32_t i = 0; (word = word_at(setting, i)) != NULL; i++) {
        const bool last = setting->most == 0 && word_at(setting, i + 1) == NULL;
        used += format(out + used, size - used, "%s%s", i == 0 ? "" : last ? " or " : ", ", word);
    }
    const char *between = used > 0 ? " or " : "";
    if (setting->kind == SEED) {
        format(out + used, size - used, "%sa whole number below 2^64", between);
    } else if (setting->most > 0) {
        format(out + used, size - used, "%sa whole number from %u to %u", between, (uint32_t)setting->least,
               setting->most);
    }
}

void config_allowed(uint32_t index, char *out, size_t size)
{
    const struct setting *setting = &settings[index];
    if (setting->kind == REAL) {
        format(out, size, "a number %s %u", setting->least > 0 ? "above 0, at most" : "from 0 to", setting->most);
    } else if (setting->kind == SERIAL) {
        format(out, size, "off, or com1 to com4 and a speed: com1 115200");
    } else if (setting->kind >= TEXT) {
        format(out, size, "a text of at most %u bytes", setting->most - 1);
    } else {
        allowed_words(setting, out, size);
    }
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* Writes number / scale, a power of ten, without zeros at the end. */
static size_t write_fixed(char *out, size_t size, uint32_t number, uint32_t scale)
{
    size_t used = format(out, size, "%u", number / scale);
    for (const char *point = "."; (number %= scale) > 0; point = "") {
        scale /= 10;
        used += format(out + used, size - used, "%s%u", point, number / scale);
    }
    return used;
}

/* Returns the whole number nearest to value * scale. Up to 2^22 a float has room for quarters, so nothing is lost. */
static uint32_t scaled(float value, uint32_t scale)
{
    return (uint32_t)(int32_t)(value * (float)(int32_t)scale + 0.5f);
}

/* Writes at least six digits from 0.0001 on, four from REAL_SMALLEST on. */
static void write_real(char *out, size_t size, float value)
{
    uint32_t scale = 1000000000;
    while (value * (float)(int32_t)scale > 4000000.0f) {
        scale /= 10;
    }
    write_fixed(out, size, scaled(value, scale), scale);
}

/* Quotes keep spaces at the ends, and show that a text is empty. */
static bool needs_quotes(const char *text, size_t n)
{
    return n == 0 || is_blank(text[0]) || is_blank(text[n - 1]) || (n > 1 && text[0] == '"' && text[n - 1] == '"');
}

static void write_text(char *out, size_t size, const char *text)
{
    const size_t n = text_length(text);
    if (!needs_quotes(text, n)) {
        utf8_printable(out, size, (const uint8_t *)text, n);
        return;
    }
    out[0] = '"';
    utf8_printable(out + 1, size - 2, (const uint8_t *)text, n);
    const size_t used = text_length(out);
    out[used] = '"';
    out[used + 1] = 0;
}

void config_value(const struct config *config, uint32_t index, char *out, size_t size)
{
    const struct setting *setting = &settings[index];
    const char *field = (const char *)config + setting->offset;
    float real;
    uint32_t count;
    memcpy(&real, field, sizeof real);
    memcpy(&count, field, sizeof count);
    const char *word = word_at(setting, setting->kind == SEED ? !config->seed_random : count);
    if (setting->kind >= TEXT) {
        write_text(out, size, field);
    } else if (setting->kind == REAL) {
        write_real(out, size, real);
    } else if (setting->kind == SERIAL && count > 0) {
        format(out, size, "%s %u", word, config->serial_speed);
    } else if (word != NULL) {
        format(out, size, "%s", word);
    } else {
        format(out, size, "%llu", setting->kind == SEED ? (unsigned long long)config->sampling.seed : count);
    }
}

/* ---- One setting ---- */

struct span {
    const char *text;
    size_t n;
};

static struct span trim(struct span span)
{
    while (span.n > 0 && is_blank(span.text[0])) {
        span.text++;
        span.n--;
    }
    while (span.n > 0 && is_blank(span.text[span.n - 1])) {
        span.n--;
    }
    return span;
}

/* The comparisons are false for NaN, too. */
static bool set_real(const struct setting *setting, const char *text, void *field)
{
    float number;
    if (!number_parse_float(text, text_length(text), &number) ||
        !(number >= 0.0f && number <= (float)(int32_t)setting->most) ||
        (setting->least > 0 && number < REAL_SMALLEST)) {
        return false;
    }
    number = number < REAL_SMALLEST ? 0.0f : number;
    memcpy(field, &number, sizeof number);
    return true;
}

/* Words come first; only where none fits it must be a number. */
static bool set_count(const struct setting *setting, const char *text, void *field)
{
    const int word = find_word(setting, text);
    uint64_t number = (uint64_t)word;
    if (word < 0 && (setting->most == 0 || !number_parse_u64(text, text_length(text), &number) ||
                     number < setting->least || number > setting->most)) {
        return false;
    }
    const uint32_t count = (uint32_t)number;
    memcpy(field, &count, sizeof count);
    return true;
}

static bool set_seed(struct config *config, const struct setting *setting, const char *text)
{
    const bool is_random = find_word(setting, text) == 0;
    if (!is_random && !number_parse_u64(text, text_length(text), &config->sampling.seed)) {
        return false;
    }
    config->seed_random = is_random;
    return true;
}

/* text: "off", "com2" or "com2 9600"; it is changed. */
static bool set_serial(struct config *config, const struct setting *setting, char *text)
{
    uint64_t speed = UART_CLOCK;
    size_t n = 0;
    while (text[n] != 0 && !is_blank(text[n])) {
        n++;
    }
    const struct span rest = trim((struct span){text + n, text_length(text + n)});
    text[n] = 0;
    const int port = find_word(setting, text);
    if (port < 0 || (rest.n > 0 && (port == 0 || !number_parse_u64(rest.text, rest.n, &speed))) || speed < SPEED_MIN ||
        speed > UART_CLOCK || UART_CLOCK % (uint32_t)speed != 0) {
        return false;
    }
    config->serial_port = (uint32_t)port;
    config->serial_speed = port > 0 ? (uint32_t)speed : config->serial_speed;
    return true;
}

/* Nothing that is longer than this buffer is a number or a word. */
static bool set_short(struct config *config, const struct setting *setting, struct span value)
{
    char text[SHOWN_MAX];
    void *field = (char *)config + setting->offset;
    if (value.n >= sizeof text) {
        return false;
    }
    memcpy(text, value.text, value.n);
    text[value.n] = 0;
    switch (setting->kind) {
    case REAL:
        return set_real(setting, text, field);
    case COUNT:
        return set_count(setting, text, field);
    case SEED:
        return set_seed(config, setting, text);
    default:
        return set_serial(config, setting, text);
    }
}

/* Texts reach the screen and the file system unchanged, so anything harmful stops here. */
static int check_text(const struct setting *setting, struct span value, struct error *error)
{
    if (value.n >= setting->most) {
        return error_set(error, "%s has %zu bytes; at most %u are allowed", setting->key, value.n, setting->most - 1);
    }
    for (size_t i = 0; i < value.n;) {
        const int length = utf8_sequence((const uint8_t *)value.text + i, value.n - i);
        if (length <= 0) {
            return error_set(error, "%s is not UTF-8; save the file as UTF-8", setting->key);
        }
        if ((uint8_t)value.text[i] < ' ' && value.text[i] != '\t') {
            return error_set(error, "%s contains a control character", setting->key);
        }
        const bool separator = value.text[i] == '/' || value.text[i] == '\\';
        if (separator && setting->offset == offsetof(struct config, model)) {
            return error_set(error, "%s must be the name of a file in /MODELS, without a folder", setting->key);
        }
        i += (size_t)length;
    }
    char plain[CHAT_TEXT_MAX];
    if (setting->kind == CHAT && !chat_unescape(plain, sizeof plain, value.text, value.n)) {
        return error_set(error, "in %s only \\n (new line), \\t (tab), \\s (space) and \\\\ are known", setting->key);
    }
    return 0;
}

/* Quotes around the text come off; quotes within it stay. */
static int set_text(struct config *config, const struct setting *setting, struct span value, struct error *error)
{
    char *text = (char *)config + setting->offset;
    if (value.n >= 2 && value.text[0] == '"' && value.text[value.n - 1] == '"') {
        value = (struct span){value.text + 1, value.n - 2};
    }
    if (check_text(setting, value, error) != 0) {
        return -1;
    }
    memcpy(text, value.text, value.n);
    text[value.n] = 0;
    return 0;
}

int config_set(struct config *config, const char *key, size_t key_length, const char *value, size_t value_length,
               struct error *error)
{
    const int index = config_find(key, key_length, error);
    if (index < 0) {
        return -1;
    }
    const struct span text = trim((struct span){value, value_length});
    if (settings[index].kind >= TEXT) {
        return set_text(config, &settings[index], text, error);
    }
    if (!set_short(config, &settings[index], text)) {
        char allowed[96];
        config_allowed((uint32_t)index, allowed, sizeof allowed);
        return error_set(error, "%s must be %s", settings[index].key, allowed);
    }
    return 0;
}

/* ---- The text ---- */

/* A line is blank, a comment, or key = value. */
static int set_line(struct config *config, struct span line, struct error *error)
{
    size_t equals = 0;
    line = trim(line);
    if (line.n == 0 || line.text[0] == '#' || line.text[0] == ';') {
        return 0;
    }
    while (equals < line.n && line.text[equals] != '=') {
        equals++;
    }
    if (equals == line.n) {
        return error_set(error, "write a setting as key = value");
    }
    const struct span key = trim((struct span){line.text, equals});
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
        for (end = i; end < n && text[end] != '\n'; end++) {
            continue;
        }
        if (set_line(config, (struct span){text + i, end - i}, &error) == 0) {
            continue;
        }
        wrong++;
        format(message, sizeof message, "line %u: %s", number, error.text);
        if (wrong <= REPORTS_MAX) {
            report(context, message);
        }
    }
    if (wrong > REPORTS_MAX) {
        format(message, sizeof message, "and %u more wrong line%s", wrong - REPORTS_MAX,
               wrong - REPORTS_MAX == 1 ? "" : "s");
        report(context, message);
    }
}
