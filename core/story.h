/* Telling a story: prompt and settings in, text streamed to the platform, and how it went. */
#ifndef BOOTLLAMA_STORY_H
#define BOOTLLAMA_STORY_H

#include "engine.h"

enum story_end {
    STORY_COMPLETE,     /* the model ended it */
    STORY_STEPS,        /* as many tokens as asked for */
    STORY_CONTEXT_FULL, /* no position left */
    STORY_STOPPED,      /* Escape or Ctrl-C */
    STORY_FAILED,       /* *error says why */
};

struct story {
    const char *prompt;  /* bytes, not owned */
    size_t prompt_bytes; /* <= PROMPT_MAX */
    struct sampling sampling;
    uint32_t steps; /* tokens at most, prompt and BOS included; 0 = to the end of the context */
    bool ids;       /* token ids, one a line, instead of text */
};

struct story_result {
    enum story_end end;
    uint32_t tokens;       /* in the text, prompt and BOS included */
    uint64_t microseconds; /* from the first forward step to the end */
    uint64_t first_token;  /* microseconds to the first token that the model chose; 0 if none */
};

/*
 * Tells one story. Text goes to platform->put as soon as its UTF-8 is whole; nothing is added to it. Keys typed meanwhile are
 * dropped but for Escape and Ctrl-C. With STORY_FAILED, *error is filled.
 */
struct story_result story_tell(struct engine *engine, const struct story *story, struct error *error);

/* Takes the keys typed so far, at most 64 of them; whether Escape or Ctrl-C was among them. */
bool story_stop_asked(struct platform *platform);

/* Tokens a second, times ten, of a finished story; 0 if it is too short to say. */
uint32_t story_speed_tenths(const struct story_result *result);

#endif
