/* Keys typed ahead: a queue in front of platform->get_key, so that lines pasted during a story are not lost. */
#ifndef BOOTLLAMA_TYPEAHEAD_H
#define BOOTLLAMA_TYPEAHEAD_H

#include "platform.h"

enum { TYPEAHEAD_MAX = 4096 };

struct typeahead {
    struct platform *platform; /* not owned */
    bool stop;                 /* typed while a file was read, and not obeyed yet */
    uint64_t asked_at;         /* when typeahead_stop_waits looked last, microseconds */
    uint32_t first, count;     /* of waiting, a ring */
    int waiting[TYPEAHEAD_MAX];
};

/* Begins an empty queue, and answers the platform's stop_asked with it, until typeahead_end. */
void typeahead_begin(struct typeahead *typeahead, struct platform *platform);

void typeahead_end(struct typeahead *typeahead);

/* Returns the oldest key typed, or KEY_NONE at once. A stop that nobody asked for by then is forgotten. */
int typeahead_next(struct typeahead *typeahead);

/* Returns whether Escape or Ctrl-C has been typed, and drops it with all keys typed before it. All others wait for
   typeahead_next; those beyond TYPEAHEAD_MAX are lost. Takes at most 64 keys from the platform a call. */
bool typeahead_stop_asked(struct typeahead *typeahead);

#endif
