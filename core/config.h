/*
 * Settings of a session and the text that sets them: BOOTLLAM.CFG on the stick.
 * Lines of `key = value`; '#' or ';' starts a comment line; CRLF or LF, a UTF-8 byte-order mark, blank lines and any
 * case of keys are fine, and of a key that is there twice the last line counts. A wrong line is reported with its
 * number and what is allowed; the other lines still count.
 */
#ifndef BOOTLLAMA_CONFIG_H
#define BOOTLLAMA_CONFIG_H

#include "platform.h"
#include "sampler.h"

enum { PROMPT_MAX = 4096, CONFIG_BYTES_MAX = 65536 };

struct config {
    struct sampling sampling;      /* keys temperature 0..100, top_p 0..1, min_p 0..1, repeat_penalty above 0 to 100,
                                      top_k 0..1000000, seed (any 64 bits) */
    uint32_t steps;                /* key steps 0..1000000: tokens of a story at most, prompt included; 0 = to the end
                                      of the context */
    char model[PLATFORM_NAME_MAX]; /* key model: file name in /MODELS; "" = the first one there */
    char prompt[PROMPT_MAX];       /* key prompt: UTF-8 with NUL; the rest of the line without outer spaces, or in
                                      double quotes to keep them; "" = a story from nothing */
};

/* sampling_default(), no limit of steps, no model named, no prompt. */
struct config config_default(void);

/* Sets one key as a line of the file does. Returns 0, or -1 with *error saying what is allowed, *config unchanged. */
int config_set(struct config *config, const char *key, size_t key_length, const char *value, size_t value_length,
               struct error *error);

/*
 * Reads n bytes of text. Each wrong line is given to report(context, line) as one message ("line 3: ..."), at most
 * ten of them and then one that says how many more. Never fails.
 */
void config_parse(struct config *config, const char *text, size_t n, void (*report)(void *context, const char *message),
                  void *context);

#endif
