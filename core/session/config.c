#include "session/config.h"

#include "base/format.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/text.h"
#include "base/utf8.h"
#include "session/similar.h"

enum { DELETE_CODE = 0x7F, C1_END = 0xA0 }; /* control characters from one to before the other */
enum { SHOWN_MAX = 32, UART_CLOCK = 115200, SPEED_MIN = 300 };

enum kind {
    REAL,   /* float */
    COUNT,  /* uint32_t: one of the words, numbered from 0, or a number */
    SEED,   /* seed and seed_random */
    SERIAL, /* serial_port and serial_speed */
    TEXT,   /* as it is */
    CHAT,   /* text with the escapes of chat_unescape */
};

static const char kernel_words[] = "auto\0"
#define KERNEL(name, file, usable, flags) #name "\0"
#include "kernel/kernels.def"
#undef KERNEL
    ;

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
    {"chat_system", CHAT, offsetof(struct config, chat_system), 0, EFFECT_CHAT, CHAT_SYSTEM_MAX, ""},
    {"chat_prefix", CHAT, offsetof(struct config, chat_prefix), 0, EFFECT_CHAT, CHAT_TEXT_MAX, ""},
    {"chat_suffix", CHAT, offsetof(struct config, chat_suffix), 0, EFFECT_CHAT, CHAT_TEXT_MAX, ""},
    {"chat_stop", CHAT, offsetof(struct config, chat_stop), 0, EFFECT_CHAT, CHAT_STOP_MAX, ""},
    {"processors", COUNT, offsetof(struct config, processors), 1, EFFECT_PROCESSORS, PLATFORM_PROCESSORS_MAX, "auto\0"},
    {"kernel", COUNT, offsetof(struct config, kernel), 0, EFFECT_KERNEL, 0, kernel_words},
    {"context", COUNT, offsetof(struct config, context), ENGINE_CONTEXT_MIN, EFFECT_CONTEXT, GGUF_CONTEXT_MAX, ""},
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
        .context = 4096,
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

/* ---- Reading a text ---- */

struct span {
    const char *text;
    size_t n;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

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

static bool begins_comment(struct span span, size_t at)
{
    return (span.text[at] == '#' || span.text[at] == ';') && (at == 0 || is_blank(span.text[at - 1]));
}

/* The value without the comment behind it and the blanks around it. */
static struct span without_comment(struct span value)
{
    for (size_t i = 0; i < value.n; i++) {
        if (begins_comment(value, i)) {
            value.n = i;
        }
    }
    return trim(value);
}

/* Whether the value ends before `at`: only blanks and a comment follow. */
static bool ends_before(struct span value, size_t at)
{
    size_t i = at;
    while (i < value.n && is_blank(value.text[i])) {
        i++;
    }
    return i == value.n || (i > at && begins_comment(value, i));
}

/* Reads a value in double quotes into out, as far as it fits; two of them within it are one. *n is its length, whether
   it fits or not. Returns false if the value is not in quotes. */
static bool unquote(struct span value, char *out, size_t size, size_t *n)
{
    *n = 0;
    for (size_t i = 1; value.n > 0 && value.text[0] == '"' && i < value.n; i++) {
        if (value.text[i] == '"' && ends_before(value, i + 1)) {
            return true;
        }
        if (value.text[i] == '"' && value.text[i + 1] == '"') { /* there is one, since the value does not end here */
            i++;
        }
        if (*n < size) {
            out[*n] = value.text[i];
        }
        ++*n;
    }
    return false;
}

/* The text that a value means, in `out` or within the value. Quotes count only as a pair around all of it; what is in
   them but cannot be read by the rule for quotes within it stays as it is. */
static struct span read_text(struct span value, char out[ENGINE_PROMPT_MAX])
{
    size_t n;
    if (unquote(trim(value), out, ENGINE_PROMPT_MAX, &n)) {
        return (struct span){out, n};
    }
    value = without_comment(value);
    if (value.n >= 2 && value.text[0] == '"' && value.text[value.n - 1] == '"') {
        return (struct span){value.text + 1, value.n - 2};
    }
    return value;
}

/* ---- Values as text ---- */

/* Writes number / 10^places. */
static void write_fixed(char *out, size_t size, uint64_t number, uint32_t places)
{
    char digits[24];
    const size_t n = format(digits, sizeof digits, "%llu", (unsigned long long)number);
    const size_t all = n > places ? n : places + 1, zeros = all - n; /* one digit at least before the point */
    size_t used = 0;
    for (size_t i = 0; i < all; i++) {
        used +=
            format(out + used, size - used, "%s%c", i == all - places ? "." : "", i < zeros ? '0' : digits[i - zeros]);
    }
}

/* Writes number / 10^places; returns whether that is read as `value`. */
static bool write_if_same(char *out, size_t size, uint64_t number, uint32_t places, float value)
{
    float again = 0;
    write_fixed(out, size, number, places);
    return number_parse_float(out, text_length(out), &again) && memcmp(&again, &value, sizeof value) == 0;
}

/* Writes the shortest decimal number that is read as `value`, 0 or 0.000001 to below 2^23, by whole numbers alone:
   value = mantissa / 2^shift. Seven digits that count are always enough for what has been read from text; from eleven
   places on reading rounds twice, so that it may be the number before or after. */
static void write_real(char *out, size_t size, float value)
{
    enum { PLACES_MAX = 12, FRACTION_BITS = 23, EXPONENT_BIAS = 127 };
    uint32_t bits;
    uint64_t scale = 1;
    memcpy(&bits, &value, sizeof bits);
    const uint32_t exponent = bits >> FRACTION_BITS, shift = EXPONENT_BIAS + FRACTION_BITS - exponent;
    const uint64_t mantissa = (bits & ((1u << FRACTION_BITS) - 1)) | 1u << FRACTION_BITS;
    for (uint32_t places = 0; places <= PLACES_MAX; places++, scale *= 10) {
        const uint64_t number = exponent == 0 ? 0 : (mantissa * scale + (1ull << (shift - 1))) >> shift;
        if (write_if_same(out, size, number, places, value) || write_if_same(out, size, number + 1, places, value) ||
            write_if_same(out, size, number - 1, places, value)) {
            return;
        }
    }
}

/* As it is where it is read as itself, else in quotes; what does not fit is left out. */
static void write_text(char *out, size_t size, const char *text)
{
    char scratch[ENGINE_PROMPT_MAX];
    const size_t n = text_length(text);
    const struct span plain = read_text((struct span){text, n}, scratch);
    size_t used = 1;
    if (n > 0 && plain.n == n && memcmp(plain.text, text, n) == 0) {
        utf8_printable(out, size, (const uint8_t *)text, n);
        return;
    }
    out[0] = '"';
    for (const char *c = text, *next = text; *c != 0; c = next) {
        const bool quote = *c == '"';
        utf8_next(&next, text + n);
        const size_t bytes = (size_t)(next - c);
        if (used + bytes + quote + 2 > size) {
            break;
        }
        utf8_printable(out + used, size - used, (const uint8_t *)c, bytes);
        used += bytes;
        if (quote) {
            out[used++] = '"';
        }
    }
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

bool config_same(const struct config *a, const struct config *b, uint32_t index)
{
    const struct setting *setting = &settings[index];
    const char *x = (const char *)a + setting->offset, *y = (const char *)b + setting->offset;
    if (setting->kind >= TEXT) {
        return text_equal(x, y);
    }
    if (setting->kind == SEED) {
        return a->seed_random == b->seed_random && (a->seed_random || a->sampling.seed == b->sampling.seed);
    }
    const bool same_speed = a->serial_speed == b->serial_speed || a->serial_port == 0;
    return memcmp(x, y, sizeof(uint32_t)) == 0 && (setting->kind != SERIAL || same_speed);
}

/* ---- One setting ---- */

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
        if (value.text[i] == '\t') {
            return error_set(error, "%s contains a tab; write %s", setting->key,
                             setting->kind == CHAT ? "\\t" : "spaces");
        }
        const char *next = value.text + i;
        const uint32_t code = utf8_next(&next, value.text + value.n);
        if (code < ' ' || (code >= DELETE_CODE && code < C1_END)) {
            return error_set(error, "%s contains a control character", setting->key);
        }
        if (value.text[i] == '\\' && setting->offset == offsetof(struct config, model)) {
            return error_set(error, "%s has folders with / between them, not \\", setting->key);
        }
        i += (size_t)length;
    }
    char plain[CHAT_SYSTEM_MAX];
    if (setting->kind == CHAT && !chat_unescape(plain, sizeof plain, value.text, value.n)) {
        return error_set(error, "in %s only \\n (new line), \\t (tab), \\s (space) and \\\\ are known", setting->key);
    }
    return 0;
}

static int set_text(struct config *config, const struct setting *setting, struct span plain, struct error *error)
{
    char *text = (char *)config + setting->offset;
    if (check_text(setting, plain, error) != 0) {
        return -1;
    }
    memcpy(text, plain.text, plain.n);
    text[plain.n] = 0;
    return 0;
}

/* What is allowed, and what is wrong with this value if it is a common slip. */
static int refuse(uint32_t index, struct span value, struct error *error)
{
    char allowed[96];
    bool comma = false, comment = false;
    for (size_t i = 0; i < value.n; i++) {
        comma = comma || value.text[i] == ',';
        comment = comment || value.text[i] == '#' || value.text[i] == ';';
    }
    config_allowed(index, allowed, sizeof allowed);
    return error_set(error, "%s must be %s%s%s", settings[index].key, allowed,
                     comma && settings[index].kind == REAL ? ", with a point, not a comma" : "",
                     comment ? "; a comment behind it begins with a blank and # or ;" : "");
}

int config_set_plain(struct config *config, uint32_t index, const char *value, size_t n, struct error *error)
{
    const struct setting *setting = &settings[index];
    const struct span plain = {value, n};
    if (setting->kind >= TEXT) {
        return set_text(config, setting, plain, error);
    }
    return set_short(config, setting, plain) ? 0 : refuse(index, plain, error);
}

int config_set(struct config *config, const char *key, size_t key_length, const char *value, size_t value_length,
               struct error *error)
{
    char scratch[ENGINE_PROMPT_MAX];
    const struct span name = trim((struct span){key, key_length}), written = {value, value_length};
    const int index = config_find(name.text, name.n, error);
    if (index < 0) {
        return -1;
    }
    const struct span plain = settings[index].kind >= TEXT ? read_text(written, scratch) : without_comment(written);
    return config_set_plain(config, (uint32_t)index, plain.text, plain.n, error);
}
