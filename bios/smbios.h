/* The maker of the BIOS, from the SMBIOS tables. */
#ifndef BOOTLLAMA_SMBIOS_H
#define BOOTLLAMA_SMBIOS_H

#include <stddef.h>

/* Writes "vendor version" with a NUL to out[0..size), "" if the tables do not say. */
void smbios_vendor(char *out, size_t size);

#endif
