/* The width of text on a screen in columns: tables are laid out by columns, not by bytes. */
#ifndef BOOTLLAMA_COLUMN_H
#define BOOTLLAMA_COLUMN_H

#include <stddef.h>
#include <stdint.h>

/* Returns how many columns a line of UTF-8 takes as wrap.h shows it. */
uint32_t column_count(const char *text);

/* Writes `text`, pads it with spaces to at least `columns` columns, and adds a NUL; truncates to `size` bytes. Returns
   the bytes written without the NUL. */
size_t column_pad(char *out, size_t size, const char *text, uint32_t columns);

/* If `text` takes more than `columns` >= 3 columns, shortens it in place to that width, ending in "...". */
void column_cut(char *text, uint32_t columns);

#endif
