/* A queue in front of platform->get_key for keys typed ahead, so that lines pasted during a story are not lost. */
#ifndef BOOTLLAMA_TYPEAHEAD_H
#define BOOTLLAMA_TYPEAHEAD_H

#include "platform.h"

enum { TYPEAHEAD_MAX = 4096 };

struct typeahead {
    struct platform *platform; /* not owned */
    bool stop;                 /* typed while a file was read, and not handled yet */
    uint64_t asked_at;         /* time of typeahead_stop_waits' last check, microseconds */
    uint32_t first, count;     /* of waiting, a ring */
    int waiting[TYPEAHEAD_MAX];
};

/* Begins an empty queue, which answers the platform's stop_asked until typeahead_end. */
void typeahead_begin(struct typeahead *typeahead, struct platform *platform);

void typeahead_end(struct typeahead *typeahead);

/* Returns the oldest key typed; KEY_NONE, without waiting, if there is none. Forgets a stop that nothing asked for. */
int typeahead_next(struct typeahead *typeahead);

/* Returns whether Escape or Ctrl-C has been typed, and drops it with all keys typed before it. Other keys wait for
   typeahead_next; keys beyond TYPEAHEAD_MAX are lost. Takes at most 64 keys from the platform per call. */
bool typeahead_stop_asked(struct typeahead *typeahead);

#endif
