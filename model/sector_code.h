/*
 * The assembled boot sector of bios/sector/ and the values of its symbols: the one place where the converter and the
 * emulator learn addresses, and the constants that the sector multiplies with.
 */
#ifndef BOOTLLAMA_SECTOR_CODE_H
#define BOOTLLAMA_SECTOR_CODE_H

#include <stddef.h>
#include <stdint.h>

enum { SECTOR_BYTES = 512 };

struct sector_code {
    const char *map_path;
    uint8_t bytes[SECTOR_BYTES];
    char *map; /* text of NASM's list of symbols; never freed */
};

/* Reads the assembled sector and its map; dies if either cannot be read or used. */
void sector_code_read(struct sector_code *code, const char *path, const char *map_path);

/* The value of a symbol: a number of the source, or an offset from its segment's base. Dies if there is no such
   symbol. */
uint32_t sector_symbol(const struct sector_code *code, const char *name);

/* The single-precision number that lies at a symbol in the sector. Dies if the symbol is outside it. */
float sector_constant(const struct sector_code *code, const char *name);

/* The offset in the image, in bytes, of what the sector will find at `address`. */
size_t sector_file_offset(const struct sector_code *code, uint32_t address);

/* Length of the image in bytes: everything that the sector reads. */
size_t sector_image_bytes(const struct sector_code *code);

#endif
