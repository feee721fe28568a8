#include "model_screen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

static void demand(bool good, const char *what)
{
    if (!good) {
        fprintf(stderr, "screen: %s\n", what);
        abort();
    }
}

static void blank(struct model_screen *screen)
{
    for (uint32_t i = 0; i < screen->used; i++)
        strcpy(screen->cell[i], " ");
    screen->used = 0;
}

static void put_mark(struct model_screen *screen, const char *bytes, size_t n)
{
    uint32_t at = screen->column;

    while (at > 0 && screen->cell[at - 1][0] == 0)
        at--;
    if (at == 0)
        return;
    char *cell = screen->cell[at - 1];
    size_t used = strlen(cell);
    if (used + n >= SCREEN_CELL_BYTES) /* more than a screen would draw */
        return;
    memcpy(cell + used, bytes, n);
    cell[used + n] = 0;
}

static void put_letter(struct model_screen *screen, const char *bytes, size_t n, uint32_t columns)
{
    demand(screen->columns == 0 || screen->column + columns < screen->columns, "text in the last column");
    demand(screen->column + columns < SCREEN_CELLS, "a row too long for this test");
    memcpy(screen->cell[screen->column], bytes, n);
    screen->cell[screen->column][n] = 0;
    if (columns == 2)
        screen->cell[screen->column + 1][0] = 0;
    screen->column += columns;
    screen->used = screen->column > screen->used ? screen->column : screen->used;
}

static void put_character(struct model_screen *screen, const char *bytes, size_t n)
{
    const char *text = bytes;
    uint32_t code = utf8_next(&text, bytes + n);

    if (code == '\b') {
        demand(screen->column > 0, "a step back before the first column");
        screen->column--;
    } else if (code == '\n') {
        screen->column = 0;
        screen->rows++;
        blank(screen);
    } else {
        demand(code >= ' ' && (code < 0x7F || code >= 0xA0), "a control character");
        uint32_t columns = utf8_columns(code);
        if (columns == 0)
            put_mark(screen, bytes, n);
        else
            put_letter(screen, bytes, n, columns);
    }
}

static void put(struct platform *platform, const char *utf8, size_t n)
{
    struct model_screen *screen = platform->state;

    demand(n > 0, "nothing was put");
    for (size_t i = 0; i < n;) {
        int length = utf8_sequence((const uint8_t *)utf8 + i, n - i);
        demand(length > 0, "a sequence that is no character");
        put_character(screen, utf8 + i, (size_t)length);
        i += (size_t)length;
    }
    if (screen->length + n < SCREEN_STREAM) {
        memcpy(screen->stream + screen->length, utf8, n);
        screen->length += n;
        screen->stream[screen->length] = 0;
    }
}

static void set_colour(struct platform *platform, enum platform_colour colour)
{
    struct model_screen *screen = platform->state;

    screen->colour = colour;
}

void model_screen_init(struct model_screen *screen, uint32_t columns)
{
    memset(screen, 0, sizeof *screen);
    screen->columns = columns;
    screen->platform = (struct platform){.state = screen, .columns = columns, .put = put, .set_colour = set_colour};
    screen->used = SCREEN_CELLS;
    blank(screen);
}

const char *model_screen_row(struct model_screen *screen)
{
    static char row[SCREEN_CELLS * 4];
    size_t used = 0, end = 0;

    for (uint32_t i = 0; i < SCREEN_CELLS && used + SCREEN_CELL_BYTES < sizeof row; i++) {
        strcpy(row + used, screen->cell[i]);
        used += strlen(screen->cell[i]);
        if (strcmp(screen->cell[i], " ") != 0)
            end = used;
    }
    row[end] = 0;
    return row;
}
