/*
 * The turns of a chat in the engine's text. When the context is full, the oldest go. Keys in the KV cache are not moved
 * to other positions, which would round them once more: the turns that stay are written and run anew, so that the model
 * sees what it would see in a fresh conversation of these turns, bit for bit. The system message before them is still
 * in the cache.
 */
#ifndef BOOTLLAMA_TURNS_H
#define BOOTLLAMA_TURNS_H

#include "base/error.h"
#include "infer/engine.h"
#include "text/chat.h"

/*
 * Appends a turn, in which the user says said[0..n), to the text; a first one begins the text. n <= ENGINE_PROMPT_MAX.
 * Oldest turns go until it and an answer have room; *dropped is how many. The thinking in the answer before it goes if
 * chat->drop_thinking. Returns 0, or -1 with *error filled and no turn dropped.
 */
int turns_add(struct engine *engine, const struct chat *chat, const char *said, size_t n, uint32_t *dropped,
              struct error *error);

/* Makes room for the rest of the last turn's answer. Returns how many of the oldest turns are gone; 0: there is no room
   to be made. */
uint32_t turns_make_room(struct engine *engine, const struct chat *chat);

/* Removes the last turn and its answer, if there is one. */
void turns_undo(struct engine *engine);

#endif
