/*
 * The prompt line: keys in, one line of UTF-8 out, shown in one row that scrolls sideways. Screen and serial terminal
 * see text, spaces and '\b' alone; what is typed at the end of the line is echoed as it is.
 *
 * Left, Right, Home or Ctrl-A, End or Ctrl-E move; Backspace and Delete delete (at the end of the line, Delete does so
 * backwards: UEFI takes a terminal's Backspace for it), Ctrl-U and Ctrl-K to the start and the end, Ctrl-W the word
 * before; Up and Down recall history; Tab completes; Escape or Ctrl-C empty the line; Enter ends it.
 */
#ifndef BOOTLLAMA_LINE_H
#define BOOTLLAMA_LINE_H

#include "platform.h"
#include "session/history.h"

enum { LINE_MAX = 8448, LINE_CANDIDATE_MAX = 320 }; /* bytes, NUL included; any setting fits */

/*
 * Writes candidate number `index` (from 0) for the n bytes `before` the cursor: what these would become, UTF-8 with
 * NUL, in at most LINE_CANDIDATE_MAX bytes. Every candidate begins with `before`, but for the case of ASCII letters.
 * Calls ask for one after the other, and for the same bytes until they begin with number 0 again. Returns false past
 * the last one.
 */
typedef bool line_complete(void *context, const char *before, size_t n, uint32_t index, char *out);

struct line {
    struct platform *platform;
    const char *sign;        /* in front of the text, not owned */
    uint32_t columns;        /* of the screen; 0 = any */
    uint32_t room;           /* columns for text; UINT32_MAX = any */
    struct history *history; /* not owned; NULL = none. Set after line_begin */
    line_complete *complete; /* NULL = none. Set after line_begin */
    void *context;           /* for complete */
    uint32_t length, cursor; /* bytes of text; where the next character goes */
    uint32_t view;           /* first byte of text that is shown */
    uint32_t column, shown;  /* of the screen's cursor and of the text's end, counted from behind the sign */
    uint32_t recalled;       /* entry of history that is shown, or HISTORY_NONE */
    bool told_full;          /* the user has been told: once a line is enough */
    char text[LINE_MAX];     /* UTF-8 with NUL */
    char draft[LINE_MAX];    /* the line while history is shown */
};

/* Begins an empty line without history and completion and shows the sign. columns: of the screen, 0 = any. */
void line_begin(struct line *line, struct platform *platform, const char *sign, uint32_t columns);

/* Takes one key and shows what it does. Returns true when Enter has ended the line: line->text holds it, a '\n' has
   been put, and history has it unless it is empty or there last. */
bool line_key(struct line *line, int key);

#endif
