/*
 * FAT12, FAT16 and FAT32 on disk: Microsoft "FAT: General Overview of On-Disk Format" 1.03 (fatgen103), including long
 * names. Numbers are little-endian, offsets are bytes.
 */
#ifndef BOOTLLAMA_FAT_FORMAT_H
#define BOOTLLAMA_FAT_FORMAT_H

#include <stdint.h>

#include "pc/bytes.h"

enum {
    FAT_SECTOR = 512, /* bytes of a sector of the medium; a volume may use larger ones */

    /* The boot sector and its BIOS parameter block. */
    FAT_BPB_SECTOR_BYTES = 11,     /* 16 bit */
    FAT_BPB_CLUSTER_SECTORS = 13,  /* 8 bit */
    FAT_BPB_RESERVED_SECTORS = 14, /* 16 bit; the first FAT follows them */
    FAT_BPB_FATS = 16,             /* 8 bit */
    FAT_BPB_ROOT_SLOTS = 17,       /* 16 bit; 0 on FAT32 */
    FAT_BPB_SECTORS_16 = 19,       /* 16 bit; 0 where 32 bits are needed */
    FAT_BPB_FAT_SECTORS_16 = 22,   /* 16 bit; 0 on FAT32 */
    FAT_BPB_SECTORS_32 = 32,       /* 32 bit */
    FAT_BPB_FAT_SECTORS_32 = 36,   /* 32 bit, FAT32 alone, as are those that follow */
    FAT_BPB_FLAGS = 40,            /* 8 bit of 16 */
    FAT_BPB_VERSION = 42,          /* 16 bit, 0 */
    FAT_BPB_ROOT_CLUSTER = 44,     /* 32 bit */
    FAT_BOOT_SIGNATURE = 0x1FE,    /* 16 bit */
    FAT_BOOT_SIGNATURE_IS = 0xAA55,
    FAT_FLAGS_NO_MIRROR = 0x80, /* only one FAT is kept up to date: */
    FAT_FLAGS_ACTIVE = 0x0F,    /* its number */

    /* The number of clusters decides the type. */
    FAT12_CLUSTERS_MAX = 4084,
    FAT16_CLUSTERS_MAX = 65524,
    FAT32_CLUSTERS_MAX = 0x0FFFFFF5,
    FAT_CLUSTER_FIRST = 2,
    FAT32_ENTRY_BYTES = 4,
    FAT32_ENTRY_MASK = 0x0FFFFFFF,

    /* A slot of a directory. */
    FAT_SLOT_BYTES = 32,
    FAT_SECTOR_SLOTS = FAT_SECTOR / FAT_SLOT_BYTES,
    FAT_SLOT_NAME = 0, /* 8 + 3 characters, padded with spaces */
    FAT_SLOT_BASE_BYTES = 8,
    FAT_SLOT_NAME_BYTES = 11,
    FAT_SLOT_ATTRIBUTES = 11,   /* 8 bit */
    FAT_SLOT_CASE = 12,         /* 8 bit */
    FAT_SLOT_CLUSTER_HIGH = 20, /* 16 bit, FAT32 alone */
    FAT_SLOT_CLUSTER_LOW = 26,  /* 16 bit */
    FAT_SLOT_SIZE = 28,         /* 32 bit, bytes */

    /* The first byte of its name. */
    FAT_NAME_END = 0x00,
    FAT_NAME_DELETED = 0xE5,
    FAT_NAME_E5 = 0x05, /* means a first character E5h */

    FAT_ATTRIBUTE_HIDDEN = 0x02,
    FAT_ATTRIBUTE_SYSTEM = 0x04,
    FAT_ATTRIBUTE_LABEL = 0x08,
    FAT_ATTRIBUTE_DIRECTORY = 0x10,
    FAT_ATTRIBUTE_LONG_NAME = 0x0F,
    FAT_ATTRIBUTES_KNOWN = 0x3F,

    /* Windows NT's bits for short names. */
    FAT_CASE_LOWER_BASE = 0x08,
    FAT_CASE_LOWER_EXTENSION = 0x10,

    /* A slot of a long name: the last part comes first on the disk, and the slot with the short name follows part 1. */
    FAT_LONG_NUMBER = 0, /* 8 bit, from 1 */
    FAT_LONG_NUMBER_LAST = 0x40,
    FAT_LONG_CHECKSUM = 13, /* 8 bit, of the short name */
    FAT_LONG_SLOTS_MAX = 20,
    FAT_LONG_SLOT_UNITS = 13, /* UTF-16 units */
};

static inline uint32_t fat_get16(const uint8_t *bytes)
{
    return (uint32_t)bytes_number(bytes, 2);
}

static inline uint32_t fat_get32(const uint8_t *bytes)
{
    return (uint32_t)bytes_number(bytes, 4);
}

#endif
