/* Names on a FAT volume: long ones from their slots, short ones from 8 + 3 bytes, both as UTF-8. */
#ifndef BOOTLLAMA_FAT_NAME_H
#define BOOTLLAMA_FAT_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fat_format.h"

enum {
    FAT_NAME_MAX = 256,      /* bytes of a name in UTF-8, including the NUL */
    FAT_SHORT_NAME_MAX = 40, /* the same for a short one */
};

struct fat_long_name { /* collected from its slots, the last part first; starts as all zeros */
    uint16_t units[FAT_LONG_SLOTS_MAX * FAT_LONG_SLOT_UNITS];
    uint32_t count;   /* units */
    uint32_t missing; /* slots still to come */
    uint8_t checksum;
    bool valid;
};

/* Adds a slot. Slots must count down to 1 with one checksum; anything else invalidates the name until the next first
   slot. */
void fat_name_add_slot(struct fat_long_name *name, const uint8_t *slot);

/* Writes the long name of the entry in `slot` to out. Returns false, with out undefined, if it has none that fits. */
bool fat_name_write_long(const struct fat_long_name *name, const uint8_t *slot, char out[FAT_NAME_MAX]);

/* Writes the short name of the entry in `slot` to out. oem: [128] code points of bytes 80h to FFh. */
void fat_name_write_short(const uint8_t *slot, const uint16_t *oem, char out[FAT_SHORT_NAME_MAX]);

/* Whether `name` equals part[0..n), ignoring the case of ASCII, Latin-1, Greek and Cyrillic, which cover most names on
   disks. */
bool fat_name_equal(const char *name, const char *part, size_t n);

#endif
