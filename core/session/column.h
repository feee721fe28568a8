/* Columns that a text takes on a screen: tables are laid out by them, not by bytes. */
#ifndef BOOTLLAMA_COLUMN_H
#define BOOTLLAMA_COLUMN_H

#include <stddef.h>
#include <stdint.h>

/* Returns the columns of a line of UTF-8 as wrap.h shows it. */
uint32_t column_count(const char *text);

/* Writes `text`, then spaces up to at least `columns` columns and a NUL; cuts what does not fit `size` bytes. Returns
   bytes written without the NUL. */
size_t column_pad(char *out, size_t size, const char *text, uint32_t columns);

/* Shortens `text` in place to at most `columns` >= 3 columns, "..." at its end included, if it has more. */
void column_cut(char *text, uint32_t columns);

#endif
