#include "session/keys.h"

enum { KEYS_A_CALL = 64 }; /* a keyboard gone mad must not hold the story */

void keys_begin(struct keys *keys, struct platform *platform)
{
    keys->platform = platform;
    keys->first = keys->count = 0;
}

int keys_next(struct keys *keys)
{
    if (keys->count == 0) {
        return keys->platform->get_key(keys->platform);
    }
    const int key = keys->waiting[keys->first];
    keys->first = (keys->first + 1) % KEYS_MAX;
    keys->count--;
    return key;
}

bool keys_stop_asked(struct keys *keys)
{
    bool asked = false;
    int key;
    for (uint32_t n = 0; n < KEYS_A_CALL && (key = keys->platform->get_key(keys->platform)) != KEY_NONE; n++) {
        if (key == KEY_ESCAPE || key == KEY_CTRL_C) {
            asked = true;
            keys->count = 0;
        } else if (keys->count < KEYS_MAX) {
            keys->waiting[(keys->first + keys->count++) % KEYS_MAX] = key;
        }
    }
    return asked;
}
