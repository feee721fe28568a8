/*
 * The assembled boot sector of bios/sector/ and the values of its symbols: the one place where the converter and the
 * emulator learn addresses, and the constants that the sector multiplies with.
 */
#ifndef BOOTLLAMA_SECTOR_CODE_H
#define BOOTLLAMA_SECTOR_CODE_H

#include <stddef.h>
#include <stdint.h>

enum { SECTOR_BYTES = 512, ID_UNKNOWN = 0, ID_BOS = 1, RECORD_BOS = 0x80, RECORD_UNKNOWN = 512, RECORD_FIRST = 128 };

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

/* The sector's number of the token of that id in the file, and back: BOS is 0, which is the easiest number to find. */
int sector_token(int id);

/* The record's: numbers begin with 1, which a loop ends at; BOS is RECORD_BOS, which the BIOS leaves in DX. */
int record_token(int id);

/* Offsets in the record's image, in bytes: of the record of a token, by its number, and of number `index` of the stream
   of weights, RECORD_FIRST or above: those before it are in each token's record. */
size_t record_token_offset(const struct sector_code *code, int number);
size_t record_offset(const struct sector_code *code, size_t index);

/* Length of the record's image in bytes, with `count` numbers in the stream: whole pieces. */
size_t record_image_bytes(const struct sector_code *code, size_t count);

/* Length of the sector's image in bytes: everything that it reads. */
size_t sector_image_bytes(const struct sector_code *code);

#endif
