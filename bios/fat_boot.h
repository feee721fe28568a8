/*
 * The files of the boot disk, by the rule of core/platform.h: models come from the first volume that has one, every
 * other file from the first volume that has it, in the order of fat_disk.h.
 */
#ifndef BOOTLLAMA_FAT_BOOT_H
#define BOOTLLAMA_FAT_BOOT_H

#include "base/model_walk.h"
#include "fat_directory.h"
#include "fat_disk.h"
#include "fat_file.h"
#include "platform.h"

struct fat_boot {
    struct fat_disk disk;
    uint32_t origin; /* LBA of the boot sector that the program was started from */
    bool is_mounted;
    bool has_model;
    uint32_t models;        /* the volume that they come from */
    struct fat_list list;   /* of the last directory listed */
    struct model_walk walk; /* the search for a model */
    const char *error;      /* why the last call returned FAT_DAMAGED */
};

/* Reads nothing yet. The caller keeps the cache; oem as in struct fat_volume. */
void fat_boot_init(struct fat_boot *boot, struct fat_cache *cache, uint32_t origin, const uint16_t *oem);

/* The medium may have been changed: the next call searches everything again. Open files become invalid. */
void fat_boot_forget(struct fat_boot *boot);

/* Like fat_file_open and fat_directory_list, with the error in boot->error. While there is no model, each new list of
   /MODELS searches the disk again. MODELS_ROOT is the root of the volume that it comes from. */
int fat_boot_open(struct fat_boot *boot, const char *path, struct fat_file *file);
int fat_boot_list(struct fat_boot *boot, const char *path, uint32_t index, struct fat_entry *entry);

/* Converts an entry to core/'s form. */
void fat_boot_describe(const struct fat_entry *entry, struct platform_entry *out);

#endif
