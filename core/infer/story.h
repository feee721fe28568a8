/* Tells a story or answers a turn of a chat: takes a prompt and settings, streams the text out, and reports
   statistics. */
#ifndef BOOTLLAMA_STORY_H
#define BOOTLLAMA_STORY_H

#include "base/error.h"
#include "infer/engine.h"
#include "text/chat.h"

enum story_end {
    STORY_COMPLETE,     /* the model ended it */
    STORY_STEPS,        /* reached the token limit */
    STORY_CONTEXT_FULL, /* no position left */
    STORY_STOPPED,      /* the caller stopped it */
    STORY_FAILED,       /* *error says why */
};

/* Where text goes: n >= 1 bytes of UTF-8, whole characters. put == NULL: nowhere. */
struct story_sink {
    void (*put)(void *context, const char *utf8, size_t n);
    void *context;
};

/* Who is told when turns of a chat no longer fit the context. Either call may be NULL. */
struct story_watch {
    /* So many of the oldest turns are gone: before the answer, or in the middle of it. */
    void (*dropped)(void *context, uint32_t turns);
    /* The rest is being read anew: `done` of `total` tokens, all of them before the next text is put. */
    void (*reading)(void *context, uint32_t done, uint32_t total);
    void *context;
};

struct story {
    const char *prompt;  /* bytes, not owned; in a chat, what the user says */
    size_t prompt_bytes; /* <= ENGINE_PROMPT_MAX */
    struct sampler_settings sampling;
    uint32_t steps;          /* tokens at most, of a story with its prompt and BOS, of a chat's answer alone; 0 = as
                                many as the context holds */
    bool ids;                /* token ids, one per line, instead of text */
    bool go_on;              /* continue the text in the engine; a chat, if its turns are there, else it begins */
    const char *stop_text;   /* hidden text that ends the story, below CHAT_STOP_MAX bytes; NULL or "" = none */
    const struct chat *chat; /* NULL = a story; else the prompt is a turn, and only the answer is shown */
    struct story_sink sink;
    struct story_watch watch;
    struct compute_stop stop;
};

struct story_result {
    enum story_end end;
    bool taken;             /* the prompt is part of the text, whatever followed */
    uint32_t tokens;        /* of the text over all calls with go_on, including prompts and BOS */
    uint32_t generated;     /* chosen by the model and part of the text */
    uint32_t prompt_tokens; /* evaluated before the first choice */
    uint64_t first_token;   /* microseconds from the start to the first choice; 0 if none */
    uint64_t microseconds;  /* from the start to the end */
};

/*
 * Tells one story, or answers one turn of a chat (turns.h). Text is passed on, unchanged, as soon as its UTF-8 is
 * complete and it cannot be the beginning of the stop text. With STORY_FAILED, *error is filled; the text before the
 * failure can be continued.
 */
struct story_result story_tell(struct engine *engine, const struct story *story, struct error *error);

/* Tokens a second, times ten, from the first choice to the end; 0 if the story is too short to tell. */
uint32_t story_speed_tenths(const struct story_result *result);

#endif
