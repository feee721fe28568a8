/* Telling a story, or a turn of a chat: prompt and settings in, text streamed to whoever shows it, and how it went. */
#ifndef BOOTLLAMA_STORY_H
#define BOOTLLAMA_STORY_H

#include "base/error.h"
#include "infer/engine.h"
#include "text/chat.h"

enum story_end {
    STORY_COMPLETE,     /* the model ended it */
    STORY_STEPS,        /* as many tokens as asked for */
    STORY_CONTEXT_FULL, /* no position left */
    STORY_STOPPED,      /* the caller asked for it */
    STORY_FAILED,       /* *error says why */
};

/* Where text goes: n >= 1 bytes of UTF-8, whole characters. put == NULL: nowhere. */
struct story_sink {
    void (*put)(void *context, const char *utf8, size_t n);
    void *context;
};

struct story {
    const char *prompt;  /* bytes, not owned; in a chat, what the user says */
    size_t prompt_bytes; /* <= ENGINE_PROMPT_MAX */
    struct sampler_settings sampling;
    uint32_t steps;          /* tokens at most, of a story with its prompt and BOS, of a chat's answer alone; 0 = as
                                many as the context holds */
    bool ids;                /* token ids, one a line, instead of text */
    bool go_on;              /* continue the text of the calls before, back to the last one without go_on */
    const char *stop_text;   /* text that ends the story and is not shown, below CHAT_STOP_MAX bytes; NULL, "" = none */
    const struct chat *chat; /* NULL = a story; else the prompt is a turn, of which only the answer is shown */
    struct story_sink sink;
    struct compute_stop stop;
};

struct story_result {
    enum story_end end;
    uint32_t tokens;        /* in the text, all calls with go_on together, prompts and BOS included */
    uint32_t generated;     /* chosen by the model and part of the text */
    uint32_t prompt_tokens; /* run before the first choice */
    uint64_t first_token;   /* microseconds from the start to the first choice; 0 if none */
    uint64_t microseconds;  /* from the start to the end */
};

/*
 * Tells one story, or answers one turn of a chat. Text goes out as soon as its UTF-8 is whole and it cannot be the
 * beginning of the stop text; nothing is added to it. With STORY_FAILED, *error is filled; text told before it can then
 * be continued.
 */
struct story_result story_tell(struct engine *engine, const struct story *story, struct error *error);

/* Cuts the text back to its first `count` tokens, at most those that there are. The next call with go_on continues
   there. */
void story_rewind(struct engine *engine, uint32_t count);

/* Empties the context: the next story or turn begins a new text, go_on or not. */
void story_forget(struct engine *engine);

/* Tokens a second, times ten, from the first choice to the end; 0 if it is too short to say. */
uint32_t story_speed_tenths(const struct story_result *result);

#endif
