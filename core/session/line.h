/*
 * The prompt line: keys in, one line of UTF-8 out, shown in one row that scrolls sideways. Screen and serial terminal
 * receive only text, spaces and '\b'; typing at the end of the line is echoed as is.
 *
 * Left, Right, Home or Ctrl-A, End or Ctrl-E move. Backspace and Delete delete a character (at the end of the line,
 * Delete works backwards: UEFI reports a terminal's Backspace as Delete); Ctrl-U and Ctrl-K delete to the start and the
 * end, Ctrl-W deletes the word before the cursor. Up and Down recall history; Tab completes; Escape or Ctrl-C clears
 * the line; Enter ends it.
 */
#ifndef BOOTLLAMA_LINE_H
#define BOOTLLAMA_LINE_H

#include "platform.h"
#include "session/history.h"

enum { LINE_MAX = 8448, LINE_CANDIDATE_MAX = 320 }; /* bytes, including the NUL; any setting fits */

/*
 * Writes candidate number `index` (from 0) for the n bytes `before` the cursor: the text that would replace them, UTF-8
 * with NUL, at most LINE_CANDIDATE_MAX bytes. Every candidate begins with `before`, apart from the case of ASCII
 * letters. Calls ask for 0, 1, 2, ... with the same `before`; index 0 starts a new search. Returns false past the last
 * candidate.
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
    uint32_t view;           /* first visible byte of text */
    uint32_t column, shown;  /* of the screen's cursor and of the text's end, counted from the end of the sign */
    uint32_t recalled;       /* history entry shown, or HISTORY_NONE */
    bool told_full;          /* the user has been told that the line is full: once is enough */
    char text[LINE_MAX];     /* UTF-8 with NUL */
    char draft[LINE_MAX];    /* the typed line while a history entry is shown */
};

/* Begins an empty line without history or completion and shows the sign. columns: of the screen, 0 = any. */
void line_begin(struct line *line, struct platform *platform, const char *sign, uint32_t columns);

/* Handles one key and shows its effect. Returns true when Enter has ended the line: line->text holds it, a '\n' has
   been written, and it is in the history unless it is empty or repeats the newest entry. */
bool line_key(struct line *line, int key);

#endif
