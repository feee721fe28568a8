#include "session/prompt.h"

void prompt_begin(struct prompt *prompt, struct platform *platform, struct typeahead *typeahead)
{
    prompt->platform = platform;
    prompt->typeahead = typeahead;
    prompt->first_key = KEY_NONE;
    prompt->history.used = 0;
}

bool prompt_take_key(struct prompt *prompt, int key)
{
    if (key > ' ') {
        prompt->first_key = key;
    }
    return key != KEY_NONE;
}

char *prompt_read(struct prompt *prompt, line_complete *complete, void *context)
{
    struct platform *platform = prompt->platform;
    struct line *line = &prompt->line;
    line_begin(line, platform, "> ", platform->columns);
    line->history = &prompt->history;
    line->complete = complete;
    line->context = context;
    int key = prompt->first_key;
    prompt->first_key = KEY_NONE;
    while (key == KEY_NONE || !line_key(line, key)) {
        key = typeahead_next(prompt->typeahead);
        if (key == KEY_NONE) {
            platform->idle(platform);
        }
    }
    return line->text;
}
