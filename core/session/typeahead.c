#include "session/typeahead.h"

enum { KEYS_A_CALL = 64 }; /* a keyboard that never stops sending must not hold up the story */

void typeahead_begin(struct typeahead *typeahead, struct platform *platform)
{
    typeahead->platform = platform;
    typeahead->first = typeahead->count = 0;
}

int typeahead_next(struct typeahead *typeahead)
{
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
    struct platform *platform = typeahead->platform;
    bool asked = false;
    int key;
    for (uint32_t n = 0; n < KEYS_A_CALL && (key = platform->get_key(platform)) != KEY_NONE; n++) {
        if (key == KEY_ESCAPE || key == KEY_CTRL_C) {
            asked = true;
            typeahead->count = 0;
        } else if (typeahead->count < TYPEAHEAD_MAX) {
            typeahead->waiting[(typeahead->first + typeahead->count++) % TYPEAHEAD_MAX] = key;
        }
    }
    return asked;
}
