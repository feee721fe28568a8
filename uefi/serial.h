/* The first serial port, COM1 at 3F8h, driven directly: a 16550 or older at 115200 8N1. */
#ifndef BOOTLLAMA_UEFI_SERIAL_H
#define BOOTLLAMA_UEFI_SERIAL_H

#include <stdbool.h>
#include <stddef.h>

struct serial {
    bool present; /* a UART answers; all calls do nothing where not */
    bool stuck;   /* it took no byte in time: nothing waits for it until it does again */
};

/* Probes the scratch register and, where a UART answers, sets it to 115200 8N1 if `configure`. */
void serial_open(struct serial *serial, bool configure);

/* Sends n bytes, '\n' as CR LF. Bytes that the UART does not take within about 20 ms each are lost. */
void serial_put(struct serial *serial, const char *bytes, size_t n);

/* The next byte received, or -1 at once. */
int serial_get(struct serial *serial);

#endif
