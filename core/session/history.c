#include "session/history.h"

#include "base/memory.h"
#include "base/text.h"

uint32_t history_older(const struct history *history, uint32_t entry)
{
    uint32_t at = entry == HISTORY_NONE ? history->used : entry;
    if (at == 0) {
        return HISTORY_NONE;
    }
    do {
        at--;
    } while (at > 0 && history->text[at - 1] != 0);
    return at;
}

uint32_t history_newer(const struct history *history, uint32_t entry)
{
    const uint32_t next = entry + (uint32_t)text_length(history->text + entry) + 1;
    return next < history->used ? next : HISTORY_NONE;
}

void history_add(struct history *history, const char *line)
{
    const uint32_t bytes = (uint32_t)text_length(line) + 1, newest = history_older(history, HISTORY_NONE);
    if (bytes == 1 || bytes > HISTORY_BYTES || (newest != HISTORY_NONE && text_equal(history->text + newest, line))) {
        return;
    }
    while (HISTORY_BYTES - history->used < bytes) { /* the oldest goes */
        const uint32_t oldest = (uint32_t)text_length(history->text) + 1;
        history->used -= oldest;
        memmove(history->text, history->text + oldest, history->used);
    }
    memcpy(history->text + history->used, line, bytes);
    history->used += bytes;
}
