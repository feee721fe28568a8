/* COM1 at 115200 8N1: text out, keys in. Does nothing where the port does not answer. */
#ifndef BOOTLLAMA_SERIAL_H
#define BOOTLLAMA_SERIAL_H

#include <stdbool.h>
#include <stddef.h>

/* Looks for the port by its scratch register and sets it up. */
void serial_init(void);

/* Whether serial_init found the port. */
bool serial_is_present(void);

/* Writes n bytes as they are, '\n' as CR LF. A port that takes no byte in bounded time loses them. */
void serial_put(const char *utf8, size_t n);

/* The next key of a terminal at the other end, or KEY_NONE (core/platform.h). */
int serial_get_key(void);

#endif
