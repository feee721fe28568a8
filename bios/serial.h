/* The serial side of the console: COM1 to COM4, text out, keys in. Does nothing if no port answers. */
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
    bool incomplete; /* the last byte did not complete a key */
};

/* Takes COM1 at 115200 8N1, if it answers. */
void serial_init(struct serial *serial);

/* set_serial of struct platform: another port (1 to 4) or speed, or none (port 0). `error` is the platform's. */
bool serial_set(struct serial *serial, uint32_t port, uint32_t speed, char *error);

/* The line of the first interrupt controller that signals received bytes: 3, 4, or 0 if there is no port. */
uint8_t serial_interrupt(const struct serial *serial);

/* Writes n bytes unchanged, '\n' as CR LF. Bytes that the port does not accept in bounded time are lost. */
void serial_put(struct serial *serial, const char *utf8, size_t n);

/* Returns the next key from the terminal at the other end, or KEY_NONE (core/platform.h). */
int serial_get_key(struct serial *serial);

#endif
