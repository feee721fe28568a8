/* The row of a screen or terminal that the cursor is on, made from what core/ puts: text, '\b' and '\n'. */
#ifndef BOOTLLAMA_TEST_MODEL_SCREEN_H
#define BOOTLLAMA_TEST_MODEL_SCREEN_H

#include "platform.h"

enum { SCREEN_CELLS = 5000, SCREEN_CELL_BYTES = 24, SCREEN_STREAM = 1 << 16 };

struct model_screen {
    struct platform platform; /* put and set_colour work, all else is NULL */
    uint32_t columns;         /* 0 = no end */
    uint32_t used;            /* cells of the row that are not blank end here */
    uint32_t column, rows;    /* of the cursor; begun so far */
    enum platform_colour colour;
    char cell[SCREEN_CELLS][SCREEN_CELL_BYTES]; /* character and marks; "" = right half of a wide one, " " = blank */
    char stream[SCREEN_STREAM];                 /* all that was put since `length` was set to 0, with NUL */
    size_t length;
};

void model_screen_init(struct model_screen *screen, uint32_t columns);

/* The row without blanks at its end, in memory of *screen until the next call. Ends the program where text was put into
   the last column, '\b' before the first one, or a sequence was split. */
const char *model_screen_row(struct model_screen *screen);

#endif
