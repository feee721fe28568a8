#include "session/typeahead.h"

enum {
    KEYS_A_CALL = 64,    /* a keyboard that never stops sending must not block the story */
    LOOK_US = 20 * 1000, /* between two checks of stop_waits: files are read in thousands of pieces */
};

/* Takes the keys typed by now. Returns whether Escape or Ctrl-C is among them. */
static bool take(struct typeahead *typeahead)
{
    struct platform *platform = typeahead->platform;
    bool stop = false;
    int key;
    for (uint32_t n = 0; n < KEYS_A_CALL && (key = platform->get_key(platform)) != KEY_NONE; n++) {
        if (key == KEY_ESCAPE || key == KEY_CTRL_C) {
            stop = true;
            typeahead->count = 0;
        } else if (typeahead->count < TYPEAHEAD_MAX) {
            typeahead->waiting[(typeahead->first + typeahead->count++) % TYPEAHEAD_MAX] = key;
        }
    }
    return stop;
}

/* The platform's stop_asked. The answer persists until it is handled, so that all reads of a command fail. */
static bool stop_waits(void *context)
{
    struct typeahead *typeahead = context;
    const uint64_t now = typeahead->platform->microseconds(typeahead->platform);
    if (!typeahead->stop && now - typeahead->asked_at >= LOOK_US) {
        typeahead->asked_at = now;
        typeahead->stop = take(typeahead);
    }
    return typeahead->stop;
}

void typeahead_begin(struct typeahead *typeahead, struct platform *platform)
{
    typeahead->platform = platform;
    typeahead->first = typeahead->count = 0;
    typeahead->stop = false;
    typeahead->asked_at = 0;
    platform->stop_asked = stop_waits;
    platform->stop_context = typeahead;
}

void typeahead_end(struct typeahead *typeahead)
{
    typeahead->platform->stop_asked = NULL;
}

int typeahead_next(struct typeahead *typeahead)
{
    typeahead->stop = false;
    if (typeahead->count == 0) {
        return typeahead->platform->get_key(typeahead->platform);
    }
    const int key = typeahead->waiting[typeahead->first];
    typeahead->first = (typeahead->first + 1) % TYPEAHEAD_MAX;
    typeahead->count--;
    return key;
}

bool typeahead_stop_asked(struct typeahead *typeahead)
{
    const bool stop = typeahead->stop;
    typeahead->stop = false;
    return take(typeahead) || stop;
}
