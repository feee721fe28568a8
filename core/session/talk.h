/* Stories and turns of a chat, and the line of figures under them. */
#ifndef BOOTLLAMA_TALK_H
#define BOOTLLAMA_TALK_H

#include "session/models.h"
#include "session/output.h"
#include "session/settings.h"
#include "session/thought.h"
#include "session/typeahead.h"
#include "text/chat.h"

struct talk {
    struct output *output;
    struct settings *settings;
    struct models *models;
    struct typeahead *typeahead; /* Escape stops the story */
    struct chat chat;            /* for talk_chat: as configured, in whole or in part */
    bool has_last;               /* last_seed and last_prompt hold a story or turn */
    bool last_taken;             /* which is part of the conversation */
    uint64_t last_seed;
    char last_prompt[ENGINE_PROMPT_MAX];
    struct thought thought; /* in the text being told */
    bool mid_line;          /* of that text */
    uint64_t shown_at;      /* time of the last progress shown, microseconds */
};

/* Begins without a last story. The caller keeps the other parts. */
void talk_begin(struct talk *talk, struct output *output, struct settings *settings, struct models *models,
                struct typeahead *typeahead);

/* Returns the texts around a turn for the loaded model, from the configuration or its file; NULL if it tells stories or
   none is loaded. Valid until the next call. */
const struct chat *talk_chat(struct talk *talk);

/* Whether the loaded model tells stories only because its chat template is of an unknown family. */
bool talk_is_unknown(struct talk *talk);

/* Whether there is a conversation that could be lost. */
bool talk_has_turns(struct talk *talk);

/* Tells a story that begins with `prompt`, or answers it in a chat, with the next seed, and shows the figures. A model
   is loaded. Returns whether it ended without being stopped. */
bool talk_tell(struct talk *talk, const char *prompt);

/* Tells the last one once more. */
void talk_again(struct talk *talk);

/* Empties the conversation: the next story or turn starts from nothing. */
void talk_forget(struct talk *talk);

/* Begins another conversation, and forgets the last turn, so that it cannot be repeated. */
void talk_begin_anew(struct talk *talk);

#endif
