/* Keys typed ahead: a queue in front of platform->get_key, so that lines pasted during a story are not lost. */
#ifndef BOOTLLAMA_KEYS_H
#define BOOTLLAMA_KEYS_H

#include "platform.h"

enum { KEYS_MAX = 4096, KEY_CTRL_C = 3, KEY_ESCAPE = 27 };

struct keys {
    struct platform *platform;
    uint32_t first, count; /* of waiting, a ring */
    int waiting[KEYS_MAX];
};

void keys_begin(struct keys *keys, struct platform *platform);

/* The oldest key typed, or KEY_NONE at once. */
int keys_next(struct keys *keys);

/* Whether Escape or Ctrl-C was typed by now. If so, it is taken with all keys typed before it; all others wait for
   keys_next (those beyond KEYS_MAX are lost). Takes at most 64 keys from the platform a call. */
bool keys_stop_asked(struct keys *keys);

#endif
