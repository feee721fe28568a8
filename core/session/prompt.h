/* The prompt: reads lines, with history and completion; keys typed ahead come first. */
#ifndef BOOTLLAMA_PROMPT_H
#define BOOTLLAMA_PROMPT_H

#include "platform.h"
#include "session/history.h"
#include "session/line.h"
#include "session/typeahead.h"

struct prompt {
    struct platform *platform;
    struct typeahead *typeahead;
    int first_key; /* typed before the prompt, begins the line; KEY_NONE = none */
    struct history history;
    struct line line;
};

/* Begins with an empty history. */
void prompt_begin(struct prompt *prompt, struct platform *platform, struct typeahead *typeahead);

/* Takes a key pressed during a countdown; a character begins the next line. Returns whether it was a key: not
   KEY_NONE. */
bool prompt_take_key(struct prompt *prompt, int key);

/* Reads one line, completed by `complete` with `context`, and returns it: UTF-8, valid until the next call. The caller
   may change it in place. */
char *prompt_read(struct prompt *prompt, line_complete *complete, void *context);

#endif
