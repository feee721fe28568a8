#include "volume.h"

#include "base/model_file.h"
#include "connect.h"
#include "device_path.h"
#include "unicode.h"

#define FOLDER u"\\MODELS"

enum { ENTRIES_MAX = 65536 /* more than a FAT directory can hold: ends a walk around a damaged one */ };

static bool is_dot_name(const CHAR16 *name)
{
    return name[0] == '.' && (name[1] == 0 || (name[1] == '.' && name[2] == 0));
}

static EFI_STATUS read_entry(EFI_FILE_HANDLE directory, union file_info *entry)
{
    for (uint32_t i = 0; i < 3; i++) { /* at most two dot entries are passed over */
        UINTN size = sizeof *entry;
        EFI_STATUS status = directory->Read(directory, &size, entry);
        if (EFI_ERROR(status)) {
            return status;
        }
        if (size == 0) {
            return EFI_NOT_FOUND;
        }
        if (size > sizeof *entry || size < SIZE_OF_EFI_FILE_INFO + sizeof(CHAR16)) {
            return EFI_VOLUME_CORRUPTED;
        }
        entry->info.FileName[(size - SIZE_OF_EFI_FILE_INFO) / sizeof(CHAR16) - 1] = 0; /* whatever was sent */
        if (!is_dot_name(entry->info.FileName)) {
            return EFI_SUCCESS;
        }
    }
    return EFI_VOLUME_CORRUPTED;
}

EFI_STATUS volume_next_entry(EFI_FILE_HANDLE directory, struct platform_entry *entry)
{
    union file_info info;
    EFI_STATUS status;
    do {
        status = read_entry(directory, &info);
    } while (!EFI_ERROR(status) && !utf8_from_ucs2(entry->name, sizeof entry->name, info.info.FileName));
    if (!EFI_ERROR(status)) {
        entry->size = info.info.FileSize;
        entry->is_directory = (info.info.Attribute & EFI_FILE_DIRECTORY) != 0;
        entry->is_hidden = (info.info.Attribute & (EFI_FILE_HIDDEN | EFI_FILE_SYSTEM)) != 0;
    }
    return status;
}

/* A file that cannot be read counts as a model, so that whoever loads it says what is wrong. */
static bool is_model(const struct volume *volume, const struct platform_entry *entry)
{
    CHAR16 path[sizeof FOLDER / sizeof FOLDER[0] + 1 + PLATFORM_NAME_MAX] = FOLDER u"\\";
    const size_t folder = sizeof FOLDER / sizeof FOLDER[0]; /* with the backslash after it */
    EFI_FILE_HANDLE file = NULL;
    uint8_t bytes[MODEL_FILE_MAGIC_BYTES] = {0};
    UINTN n = sizeof bytes;
    if (!model_file_is_named(entry) || !ucs2_from_utf8(path + folder, PLATFORM_NAME_MAX, entry->name)) {
        return false;
    }
    if (EFI_ERROR(volume->root->Open(volume->root, &file, path, EFI_FILE_MODE_READ, 0))) {
        return true;
    }
    const EFI_STATUS status = file->Read(file, &n, bytes);
    file->Close(file);
    return EFI_ERROR(status) || model_file_begins(bytes);
}

static bool has_model(const struct volume *volume)
{
    EFI_FILE_HANDLE directory = NULL;
    struct platform_entry entry;
    bool found = false;
    if (volume->root == NULL ||
        EFI_ERROR(volume->root->Open(volume->root, &directory, (CHAR16 *)FOLDER, EFI_FILE_MODE_READ, 0))) {
        return false;
    }
    for (uint32_t i = 0; i < ENTRIES_MAX && !found && volume_next_entry(directory, &entry) == EFI_SUCCESS; i++) {
        found = is_model(volume, &entry);
    }
    directory->Close(directory);
    return found;
}

EFI_STATUS volume_reopen(struct volume *volume)
{
    EFI_FILE_HANDLE root = NULL;
    EFI_STATUS status = volume->system->OpenVolume(volume->system, &root);

    if (!EFI_ERROR(status)) {
        if (volume->root != NULL) {
            volume->root->Close(volume->root);
        }
        volume->root = root;
    }
    return status;
}

static struct volume volume_open(EFI_BOOT_SERVICES *boot, EFI_HANDLE device)
{
    EFI_GUID guid = EFI_SIMPLE_FILE_SYSTEM_PROTOCOL_GUID;
    struct volume volume = {NULL, NULL, false};
    void *system = NULL;

    if (device != NULL && !EFI_ERROR(boot->HandleProtocol(device, &guid, &system))) {
        volume.system = system;
        volume.is_sata = device_path_has(device_path_of(boot, device), MESSAGING_DEVICE_PATH, MSG_SATA_DP);
    }
    if (volume.system != NULL && EFI_ERROR(volume_reopen(&volume))) {
        volume.system = NULL;
    }
    return volume;
}

static void volume_close(struct volume *volume)
{
    if (volume->root != NULL) {
        volume->root->Close(volume->root);
    }
    *volume = (struct volume){NULL, NULL, false};
}

/* Takes the first volume with a model as `models`. */
static void search(struct volumes *volumes)
{
    EFI_GUID guid = EFI_SIMPLE_FILE_SYSTEM_PROTOCOL_GUID;
    EFI_HANDLE *handles = NULL;
    UINTN count = 0;

    if (EFI_ERROR(volumes->boot->LocateHandleBuffer(ByProtocol, &guid, NULL, &count, &handles))) {
        return;
    }
    for (UINTN i = 0; i < count && volumes->models.system == NULL; i++) {
        if (handles[i] != volumes->device) {
            struct volume volume = volume_open(volumes->boot, handles[i]);
            if (has_model(&volume)) {
                volumes->models = volume;
            } else {
                volume_close(&volume);
            }
        }
    }
    volumes->boot->FreePool(handles);
}

void volumes_open(struct volumes *volumes, EFI_BOOT_SERVICES *boot, EFI_HANDLE device)
{
    *volumes = (struct volumes){.boot = boot, .device = device};
    volumes_update(volumes);
}

void volumes_update(struct volumes *volumes)
{
    static void (*const hidden[])(EFI_BOOT_SERVICES *) = {connect_disks, connect_controllers};

    if (has_model(&volumes->start) || has_model(&volumes->models)) {
        return;
    }
    volumes_close(volumes);
    volumes->start = volume_open(volumes->boot, volumes->device);
    if (has_model(&volumes->start)) {
        return;
    }
    search(volumes);
    for (uint32_t i = 0; i < sizeof hidden / sizeof hidden[0] && volumes->models.system == NULL; i++) {
        hidden[i](volumes->boot);
        search(volumes);
    }
}

void volumes_close(struct volumes *volumes)
{
    volume_close(&volumes->start);
    volume_close(&volumes->models);
}
