/* Who tells: stories and turns of a chat, and the line of figures under them. */
#ifndef BOOTLLAMA_TALK_H
#define BOOTLLAMA_TALK_H

#include "session/models.h"
#include "session/output.h"
#include "session/settings.h"
#include "session/typeahead.h"
#include "text/chat.h"

struct talk {
    struct output *output;
    struct settings *settings;
    struct models *models;
    struct typeahead *typeahead; /* Escape stops the story */
    struct chat chat;            /* for talk_chat: as configured, in whole or in part */
    bool has_last;               /* there has been a story or turn, with last_seed and last_prompt */
    uint64_t last_seed;
    uint32_t last_from; /* tokens of the conversation before the last turn */
    char last_prompt[ENGINE_PROMPT_MAX];
};

/* Begins without a last story. The other parts stay the caller's. */
void talk_begin(struct talk *talk, struct output *output, struct settings *settings, struct models *models,
                struct typeahead *typeahead);

/* Returns what is written around a turn for the loaded model, as configured or as its file says; NULL where it tells
   stories, or none is loaded. Valid until the next call. */
const struct chat *talk_chat(struct talk *talk);

/* Whether the loaded model tells stories only because its chat template is of no known family. */
bool talk_is_unknown(struct talk *talk);

/* Whether there is a conversation that could be lost. */
bool talk_has_turns(struct talk *talk);

/* Tells a story that begins with `prompt`, or answers it in a chat, with the next seed, and says how it went. A model
   is loaded. Returns whether it came to its end without being stopped. */
bool talk_tell(struct talk *talk, const char *prompt);

/* Tells the last one once more. */
void talk_again(struct talk *talk);

/* Empties the conversation: the next story or turn starts from nothing. */
void talk_forget(struct talk *talk);

/* Begins another conversation: the last one's turns cannot be told again either. */
void talk_begin_anew(struct talk *talk);

#endif
