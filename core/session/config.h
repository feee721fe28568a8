/*
 * The settings of a session and their syntax in BOOTLLAM.CFG on the stick (config_file.h) and in /set at the prompt.
 *
 * A value ends at a comment: a '#' or ';' that is its first character or follows a blank. A text may be put in double
 * quotes to keep leading and trailing blanks and comment characters; inside, two quotes stand for one, and a quote that
 * cannot end the text stands for itself. Keys and words are case-insensitive.
 */
#ifndef BOOTLLAMA_CONFIG_H
#define BOOTLLAMA_CONFIG_H

#include "base/error.h"
#include "infer/engine.h"
#include "infer/sampler.h"
#include "platform.h"
#include "text/chat.h"

enum { CONFIG_VALUE_MAX = 2 * ENGINE_PROMPT_MAX + 2 }; /* bytes of any value as text, including the NUL */

/* Words of settings; their order is that in config.c's table. */
enum { SETTING_OFF, SETTING_ON };
enum { AFTER_PROMPT, AFTER_REBOOT, AFTER_OFF };
enum { WRAP_AUTO, WRAP_OFF };
enum { KERNEL_AUTO };

struct config {
    struct sampler_settings sampling; /* keys temperature 0..100, top_p 0..1, min_p 0..1, repeat_penalty above 0 to 100,
                                      top_k 0..1000000, seed (any 64 bits, or random) */
    bool seed_random;                 /* seed = random: it comes from the platform's clock */
    uint32_t steps;                   /* tokens of a story at most, prompt included; 0 = to the end of the context */
    uint32_t countdown;               /* seconds before the first story, 0..3600 */
    uint32_t autostart;               /* SETTING_OFF or SETTING_ON: tell stories unattended at start */
    uint32_t stories;                 /* how many of them; 0 = for ever */
    uint32_t after;                   /* what follows them: AFTER_... */
    uint32_t serial_port;             /* 1..4 = COM1..COM4; 0 = off */
    uint32_t serial_speed;            /* bits a second: 300..115200, a divisor of 115200 */
    uint32_t wrap;                    /* WRAP_AUTO (the screen's width, 120 at most), WRAP_OFF, or columns 20..500 */
    uint32_t colour;                  /* SETTING_OFF or SETTING_ON */
    uint32_t processors;              /* ENGINE_PROCESSORS_AUTO, or how many compute at most: 1..64 */
    uint32_t kernel;                  /* KERNEL_AUTO, or 1 + the index of kernel_at: see models_use_kernel */
    uint32_t context;                 /* positions at most, ENGINE_CONTEXT_MIN..GGUF_CONTEXT_MAX; see engine_open */
    char chat_system[CHAT_SYSTEM_MAX]; /* the system message of a chat, as chat_unescape takes it; "" = the model's */
    char chat_prefix[CHAT_TEXT_MAX];   /* around a user's turn, and what ends an answer, as chat_unescape takes it; */
    char chat_suffix[CHAT_TEXT_MAX];   /* prefix and suffix "": the model's own template, if it has one */
    char chat_stop[CHAT_STOP_MAX];
    char model[PLATFORM_NAME_MAX];  /* any name that models_choose takes; "" = the first model */
    char prompt[ENGINE_PROMPT_MAX]; /* what a story begins with; "" = nothing */
};

/* Returns the defaults, as image/BOOTLLAM.CFG documents them. */
struct config config_default(void);

/* Keys by their numbers. Besides its prompt and model, a story depends on those of sampling. */
enum { CONFIG_SAMPLING_FIRST = 2, CONFIG_SAMPLING_LAST = 8, CONFIG_KEYS = 23 };

/* Returns key number `index` < CONFIG_KEYS. */
const char *config_key(uint32_t index);

/* What to do when a key is set at the prompt. */
enum config_effect {
    EFFECT_NONE,       /* the next story uses it */
    EFFECT_START,      /* only read at start, so it cannot be set later */
    EFFECT_MODEL,      /* load the model; the key changes if that succeeds */
    EFFECT_SEED,       /* draw a seed from the clock if it is random */
    EFFECT_SERIAL,     /* set the serial port up */
    EFFECT_COLOUR,     /* output_use_colour */
    EFFECT_CHAT,       /* the conversation has to begin anew */
    EFFECT_PROCESSORS, /* the work has to be shared out again */
    EFFECT_KERNEL,     /* models_use_kernel */
    EFFECT_CONTEXT,    /* models_fit_context */
};

/* Returns what to do when key number `index` is set. */
enum config_effect config_effect(uint32_t index);

/* Returns the number of the key named key[0..n), ignoring case; -1 with *error filled if there is no such key. */
int config_find(const char *key, size_t n, struct error *error);

/* Writes the key's value as text that config_set reads back as the same value. CONFIG_VALUE_MAX bytes are always
   enough; a smaller `size` >= 3 truncates the text at a whole UTF-8 sequence. */
void config_value(const struct config *config, uint32_t index, char *out, size_t size);

/* Whether a key has the same value in two configurations. */
bool config_same(const struct config *a, const struct config *b, uint32_t index);

/* Writes what values the key allows: "a number from 0 to 100". */
void config_allowed(uint32_t index, char *out, size_t size);

/* Sets a key to a value; blanks around both and a comment after the value are ignored. Returns 0, or -1 with *error
   saying what is allowed and *config unchanged. */
int config_set(struct config *config, const char *key, size_t key_length, const char *value, size_t value_length,
               struct error *error);

/* The same for key number `index` and a value as it is meant, without quotes and comments. */
int config_set_plain(struct config *config, uint32_t index, const char *value, size_t n, struct error *error);

#endif
