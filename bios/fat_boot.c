#include "fat_boot.h"

#include "base/format.h"
#include "base/model_file.h"
#include "base/text.h"

void fat_boot_init(struct fat_boot *boot, struct fat_cache *cache, uint32_t origin, const uint16_t *oem)
{
    *boot = (struct fat_boot){.disk.cache = cache, .disk.oem = oem, .origin = origin, .error = ""};
}

void fat_boot_forget(struct fat_boot *boot)
{
    boot->is_mounted = false;
}

void fat_boot_describe(const struct fat_entry *entry, struct platform_entry *out)
{
    *out = (struct platform_entry){
        .size = entry->size,
        .is_directory = entry->is_directory,
        .is_hidden = entry->is_hidden,
    };
    format(out->name, sizeof out->name, "%s", entry->name);
}

/* ---- The volume with the models ---- */

enum finding { NOTHING, NAME_ONLY, MODEL };

/* Whether the file begins like a model. Returns FAT_NOT_FOUND if not, or why it cannot be read. */
static int look_into(struct fat_volume *volume, const struct fat_entry *entry)
{
    struct fat_file file;
    uint8_t bytes[MODEL_FILE_MAGIC_BYTES];

    if (entry->size < sizeof bytes) {
        return FAT_NOT_FOUND;
    }
    int status = fat_file_open_entry(volume, entry, &file);
    if (status == FAT_OK) {
        status = fat_file_read(&file, 0, bytes, sizeof bytes);
    }
    return status == FAT_OK && !model_file_begins(bytes) ? FAT_NOT_FOUND : status;
}

/* The volume that a walk lists. */
struct listed {
    struct fat_volume *volume;
    struct fat_list list;
    struct fat_entry entry; /* the last one */
    bool stopped;
};

static const char *folder_of(const char *path)
{
    return text_equal_nocase(path, MODELS_ROOT) ? "/" : path;
}

static int list_volume(void *context, const char *directory, uint32_t index, struct platform_entry *entry)
{
    struct listed *listed = context;
    int status = fat_directory_list(listed->volume, &listed->list, folder_of(directory), index, &listed->entry);

    listed->stopped = status == FAT_STOPPED;
    if (status != FAT_OK) {
        return status == FAT_NOT_FOUND ? PLATFORM_NOT_FOUND : PLATFORM_IO_ERROR;
    }
    fat_boot_describe(&listed->entry, entry);
    return PLATFORM_OK;
}

/* Looks for a model on a volume; a damaged folder hides only what is in it. Returns FAT_STOPPED, or FAT_OK. */
static int search(struct fat_boot *boot, struct fat_volume *volume, enum finding *finding)
{
    struct listed listed = {.volume = volume};
    struct platform_entry named;
    int status;

    *finding = NOTHING;
    model_walk_begin(&boot->walk, list_volume, &listed);
    while (*finding != MODEL && (status = model_walk_next(&boot->walk, &named)) != PLATFORM_NOT_FOUND) {
        int found = status == PLATFORM_OK ? look_into(volume, &listed.entry) : FAT_NOT_FOUND;
        if (listed.stopped || found == FAT_STOPPED) {
            return FAT_STOPPED;
        }
        if (status == PLATFORM_OK) {
            *finding = found == FAT_OK ? MODEL : NAME_ONLY;
        }
    }
    return FAT_OK;
}

/* A volume with files named like models comes before one without, so that their errors are reported. */
static int choose_models(struct fat_boot *boot)
{
    enum finding best = NOTHING, finding;

    boot->models = 0;
    for (uint32_t i = 0; i < boot->disk.count && best != MODEL; i++) {
        if (search(boot, &boot->disk.volume[i], &finding) == FAT_STOPPED) {
            return FAT_STOPPED;
        }
        if (finding > best) {
            best = finding;
            boot->models = i;
        }
    }
    boot->has_model = best == MODEL;
    return FAT_OK;
}

static int mount(struct fat_boot *boot)
{
    if (boot->is_mounted) {
        return FAT_OK;
    }
    fat_cache_clear(boot->disk.cache);
    boot->list = (struct fat_list){0};
    int status = fat_disk_mount(&boot->disk, boot->disk.cache, boot->origin, boot->disk.oem);
    if (status == FAT_OK) {
        status = choose_models(boot);
    }
    boot->error = boot->disk.error;
    boot->is_mounted = status == FAT_OK;
    return status;
}

/* ---- Files ---- */

int fat_boot_open(struct fat_boot *boot, const char *path, struct fat_file *file)
{
    bool is_model = model_file_is_of_models(path);
    int status = mount(boot);

    if (status == FAT_DAMAGED && !is_model) {
        return FAT_NOT_FOUND; /* a disk without a volume has no such file; the search for models will report why */
    }
    if (status != FAT_OK) {
        return status;
    }
    uint32_t first = is_model ? boot->models : 0, end = is_model ? boot->models + 1 : boot->disk.count;
    status = FAT_NOT_FOUND;
    for (uint32_t i = first; i < end && status == FAT_NOT_FOUND; i++) {
        status = fat_file_open(&boot->disk.volume[i], path, file);
        boot->error = boot->disk.volume[i].error;
        if (status == FAT_DAMAGED && i > first) {
            status = FAT_NOT_FOUND; /* another system's partition may begin with the remains of a FAT volume */
        }
    }
    return status;
}

int fat_boot_list(struct fat_boot *boot, const char *path, uint32_t index, struct fat_entry *entry)
{
    if (index == 0 && !boot->has_model && text_equal_nocase(path, MODELS_FOLDER)) {
        fat_boot_forget(boot);
    }
    int status = mount(boot);
    if (status != FAT_OK) {
        return status;
    }
    struct fat_volume *volume = &boot->disk.volume[model_file_is_of_models(path) ? boot->models : 0];
    boot->error = volume->error;
    return fat_directory_list(volume, &boot->list, folder_of(path), index, entry);
}
