/* The serial side of the console: COM1 to COM4, text out, keys in. Does nothing where no port answers. */
#ifndef BOOTLLAMA_SERIAL_H
#define BOOTLLAMA_SERIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pc/terminal_keys.h"
#include "pc/uart.h"

struct serial {
    struct uart uart;
    uint32_t number; /* of the port in use, 0 if there is none */
    struct terminal_keys keys;
    bool incomplete; /* the last byte made no key */
};

/* Takes COM1 at 115200 8N1, if it answers. */
void serial_init(struct serial *serial);

/* set_serial of struct platform: another port (1 to 4) or speed, or none (port 0). `error` is the platform's. */
bool serial_set(struct serial *serial, uint32_t port, uint32_t speed, char *error);

/* The line of the first interrupt controller that tells of bytes received: 3, 4, or 0 where there is no port. */
uint8_t serial_interrupt(const struct serial *serial);

/* Writes n bytes as they are, '\n' as CR LF. A port that takes no byte in bounded time loses them. */
void serial_put(struct serial *serial, const char *utf8, size_t n);

/* The next key of a terminal at the other end, or KEY_NONE (core/platform.h). */
int serial_get_key(struct serial *serial);

#endif
