#include "volume.h"

#include "base/memory.h"
#include "base/text.h"
#include "connect.h"
#include "device_path.h"
#include "unicode.h"

static bool is_dot_name(const CHAR16 *name)
{
    return name[0] == '.' && (name[1] == 0 || (name[1] == '.' && name[2] == 0));
}

static EFI_STATUS read_entry(EFI_FILE_HANDLE directory, union file_info *entry)
{
    for (uint32_t i = 0; i < 3; i++) { /* at most two dot entries are skipped */
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
        entry->info.FileName[(size - SIZE_OF_EFI_FILE_INFO) / sizeof(CHAR16) - 1] = 0; /* whatever the driver wrote */
        if (!is_dot_name(entry->info.FileName)) {
            return EFI_SUCCESS;
        }
    }
    return EFI_VOLUME_CORRUPTED;
}

void volume_rewind(EFI_FILE_HANDLE directory)
{
    directory->SetPosition(directory, 0);
}

EFI_STATUS volume_next_entry(EFI_FILE_HANDLE directory, struct platform_entry *entry)
{
    union file_info info;
    EFI_STATUS status;
    do {
        status = read_entry(directory, &info);
    } while (!EFI_ERROR(status) && !utf8_from_utf16(entry->name, sizeof entry->name, info.info.FileName));
    if (!EFI_ERROR(status)) {
        entry->size = info.info.FileSize;
        entry->is_directory = (info.info.Attribute & EFI_FILE_DIRECTORY) != 0;
        entry->is_hidden = (info.info.Attribute & (EFI_FILE_HIDDEN | EFI_FILE_SYSTEM)) != 0;
    }
    return status;
}

EFI_STATUS volume_info(EFI_FILE_HANDLE handle, union file_info *entry)
{
    EFI_GUID guid = EFI_FILE_INFO_ID;
    UINTN size = sizeof *entry;

    return handle->GetInfo(handle, &guid, &size, entry);
}

bool volume_path(CHAR16 *out, size_t capacity, const char *path)
{
    if (!utf16_from_utf8(out, capacity, text_equal_nocase(path, MODELS_ROOT) ? "/" : path)) {
        return false;
    }
    for (; *out != 0; out++) {
        *out = *out == '/' ? '\\' : *out;
    }
    return true;
}

static EFI_STATUS open_on(const struct volume *volume, const char *path, EFI_FILE_HANDLE *handle)
{
    CHAR16 units[VOLUME_PATH_UNITS];
    if (!volume_path(units, VOLUME_PATH_UNITS, path)) {
        return EFI_NOT_FOUND;
    }
    return volume->root->Open(volume->root, handle, units, EFI_FILE_MODE_READ, 0);
}

/* A file that cannot be read counts as a model, so that loading it reports what is wrong. */
static bool is_model(const struct volume *volume, const struct platform_entry *entry)
{
    char path[MODEL_PATH_MAX];
    EFI_FILE_HANDLE file = NULL;
    uint8_t bytes[MODEL_FILE_MAGIC_BYTES] = {0};
    UINTN n = sizeof bytes;
    model_walk_path(path, entry->name);
    if (EFI_ERROR(open_on(volume, path, &file))) {
        return true;
    }
    const EFI_STATUS status = file->Read(file, &n, bytes);
    file->Close(file);
    return EFI_ERROR(status) || model_file_begins(bytes);
}

/* The folder of a volume that a walk lists. */
struct listed {
    const struct volume *volume;
    EFI_FILE_HANDLE folder;
    EFI_STATUS status; /* of the last call */
};

static void close_folder(struct listed *listed)
{
    if (listed->folder != NULL) {
        listed->folder->Close(listed->folder);
        listed->folder = NULL;
    }
}

/* A file may be named like a folder: what is in it are no entries, and there may be gigabytes of it. */
static EFI_STATUS open_folder(struct listed *listed, const char *directory)
{
    union file_info info;
    const EFI_STATUS status = open_on(listed->volume, directory, &listed->folder);
    if (EFI_ERROR(status)) {
        listed->folder = NULL; /* a failed Open may have changed it */
        return status;
    }
    if (!EFI_ERROR(volume_info(listed->folder, &info)) && (info.info.Attribute & EFI_FILE_DIRECTORY) == 0) {
        close_folder(listed);
        return EFI_NOT_FOUND;
    }
    volume_rewind(listed->folder);
    return EFI_SUCCESS;
}

/* A walk asks for a folder's entries in ascending order: a new folder begins with index 0. */
static int list_volume(void *context, const char *directory, uint32_t index, struct platform_entry *entry)
{
    struct listed *listed = context;
    listed->status = EFI_SUCCESS;
    if (index == 0) {
        close_folder(listed);
        listed->status = open_folder(listed, directory);
    }
    if (!EFI_ERROR(listed->status)) {
        listed->status = volume_next_entry(listed->folder, entry);
    }
    return listed->status == EFI_NOT_FOUND ? PLATFORM_NOT_FOUND
           : EFI_ERROR(listed->status)     ? PLATFORM_IO_ERROR
                                           : PLATFORM_OK;
}

/* Looks for a model on a volume. Returns EFI_SUCCESS, EFI_NOT_FOUND, or why the volume cannot be read. */
static EFI_STATUS find_model(struct volumes *volumes, const struct volume *volume)
{
    struct listed listed = {.volume = volume};
    EFI_STATUS failure = EFI_NOT_FOUND;
    struct platform_entry entry;
    bool found = false;
    int status;

    if (volume->root == NULL) {
        return EFI_ERROR(volume->failure) ? volume->failure : EFI_NOT_FOUND;
    }
    model_walk_begin(&volumes->walk, list_volume, &listed);
    while (!found && (status = model_walk_next(&volumes->walk, &entry)) != PLATFORM_NOT_FOUND) {
        found = status == PLATFORM_OK && is_model(volume, &entry);
        failure = status != PLATFORM_OK && failure == EFI_NOT_FOUND ? listed.status : failure;
    }
    close_folder(&listed);
    return found ? EFI_SUCCESS : failure;
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
    struct volume volume = {.device = device};
    void *system = NULL;

    if (device != NULL && !EFI_ERROR(boot->HandleProtocol(device, &guid, &system))) {
        volume.system = system;
        volume.is_sata = device_path_has(device_path_of(boot, device), MESSAGING_DEVICE_PATH, MSG_SATA_DP);
    }
    if (volume.system != NULL) {
        volume.failure = volume_reopen(&volume);
        volume.system = EFI_ERROR(volume.failure) ? NULL : volume.system;
    }
    return volume;
}

static void volume_close(struct volume *volume)
{
    if (volume->root != NULL) {
        volume->root->Close(volume->root);
    }
    *volume = (struct volume){.device = NULL};
}

/* ---- The volumes ---- */

/* All devices with a file system; the caller frees them with FreePool. A device no longer among them is never used:
   firmware may have freed it. */
struct devices {
    EFI_HANDLE *handle;
    UINTN count;
};

static struct devices list_devices(EFI_BOOT_SERVICES *boot)
{
    EFI_GUID guid = EFI_SIMPLE_FILE_SYSTEM_PROTOCOL_GUID;
    struct devices devices = {NULL, 0};

    if (EFI_ERROR(boot->LocateHandleBuffer(ByProtocol, &guid, NULL, &devices.count, &devices.handle))) {
        devices = (struct devices){NULL, 0};
    }
    return devices;
}

static void free_devices(EFI_BOOT_SERVICES *boot, struct devices *devices)
{
    if (devices->handle != NULL) {
        boot->FreePool(devices->handle);
    }
}

static bool is_among(const struct devices *devices, EFI_HANDLE device)
{
    for (UINTN i = 0; i < devices->count; i++) {
        if (devices->handle[i] == device) {
            return true;
        }
    }
    return false;
}

/* A stick that was unplugged and plugged in again is a new device with the same path. */
static void find_start(struct volumes *volumes, const struct devices *devices)
{
    for (UINTN i = 0; i < devices->count && !is_among(devices, volumes->device); i++) {
        struct device_path path = device_path_of(volumes->boot, devices->handle[i]);
        if (volumes->path_bytes > 0 && device_path_bytes(path) == volumes->path_bytes &&
            memcmp(path.at, volumes->path, volumes->path_bytes) == 0) {
            volumes->device = devices->handle[i];
        }
    }
    if (is_among(devices, volumes->device)) {
        volumes->volume[0] = volume_open(volumes->boot, volumes->device);
    }
    volumes->count = 1;
}

/* Whether the device is another partition of the program's drive; *number becomes its number. */
static bool is_of_drive(const struct volumes *volumes, EFI_HANDLE device, uint32_t *number)
{
    const struct device_path start = device_path_in(volumes->path, volumes->path_bytes);
    const struct device_path path = device_path_of(volumes->boot, device);
    uint32_t own;
    const size_t drive = device_path_drive_bytes(start, &own);

    return device != volumes->device && drive > 0 && device_path_drive_bytes(path, number) == drive && *number > 0 &&
           memcmp(path.at, start.at, drive) == 0;
}

/* The device with the lowest partition number above *above, which becomes that number. NULL if there is none. */
static EFI_HANDLE next_of_drive(const struct volumes *volumes, const struct devices *devices, uint32_t *above)
{
    EFI_HANDLE next = NULL;
    uint32_t lowest = UINT32_MAX, number;

    for (UINTN i = 0; i < devices->count; i++) {
        if (is_of_drive(volumes, devices->handle[i], &number) && number > *above && number < lowest) {
            lowest = number;
            next = devices->handle[i];
        }
    }
    *above = lowest;
    return next;
}

static void find_drive(struct volumes *volumes, const struct devices *devices)
{
    uint32_t number = 0;
    EFI_HANDLE device = next_of_drive(volumes, devices, &number);

    for (; device != NULL && volumes->count <= VOLUMES_OF_DRIVE; device = next_of_drive(volumes, devices, &number)) {
        struct volume volume = volume_open(volumes->boot, device);
        if (volume.system != NULL) {
            volumes->volume[volumes->count++] = volume;
        }
    }
}

/* ---- The volume with the models ---- */

/* Takes the first of the drive's volumes with a model. Returns EFI_NOT_FOUND, or why the one that had models, or the
   program's, cannot be read. */
static EFI_STATUS choose_models(struct volumes *volumes)
{
    EFI_STATUS failure = EFI_NOT_FOUND;

    for (uint32_t i = 0; i < volumes->count && volumes->models == NULL; i++) {
        struct volume *volume = &volumes->volume[i];
        const EFI_STATUS found = find_model(volumes, volume);
        volumes->models = found == EFI_SUCCESS ? volume : NULL;
        if (EFI_ERROR(found) && found != EFI_NOT_FOUND && (i == 0 || volume->device == volumes->last)) {
            failure = found;
        }
    }
    return failure;
}

/* Takes the first volume of another drive with a model. */
static void search(struct volumes *volumes)
{
    struct devices devices = list_devices(volumes->boot);
    uint32_t number;

    for (UINTN i = 0; i < devices.count && volumes->models == NULL; i++) {
        if (devices.handle[i] == volumes->device || is_of_drive(volumes, devices.handle[i], &number)) {
            continue;
        }
        struct volume volume = volume_open(volumes->boot, devices.handle[i]);
        if (find_model(volumes, &volume) == EFI_SUCCESS) {
            volumes->models = &volumes->volume[volumes->count++];
            *volumes->models = volume;
        } else {
            volume_close(&volume);
        }
    }
    free_devices(volumes->boot, &devices);
}

void volumes_open(struct volumes *volumes, EFI_BOOT_SERVICES *boot, EFI_HANDLE device)
{
    const struct device_path path = device_path_of(boot, device);

    *volumes = (struct volumes){.boot = boot, .device = device};
    if (device_path_bytes(path) <= sizeof volumes->path) {
        volumes->path_bytes = device_path_bytes(path);
        memcpy(volumes->path, path.at, volumes->path_bytes);
    }
    volumes_update(volumes);
}

bool volumes_have(const struct volumes *volumes, EFI_HANDLE device)
{
    struct devices devices = list_devices(volumes->boot);
    const bool found = is_among(&devices, device);

    free_devices(volumes->boot, &devices);
    return found;
}

EFI_STATUS volumes_update(struct volumes *volumes)
{
    static void (*const hidden[])(EFI_BOOT_SERVICES *) = {connect_disks, connect_controllers};

    if (volumes->models != NULL && find_model(volumes, volumes->models) == EFI_SUCCESS) {
        return EFI_SUCCESS;
    }
    volumes_close(volumes);
    struct devices devices = list_devices(volumes->boot);
    find_start(volumes, &devices);
    find_drive(volumes, &devices);
    EFI_STATUS status = choose_models(volumes);
    free_devices(volumes->boot, &devices);
    if (volumes->models == NULL) {
        search(volumes);
    }
    for (uint32_t i = 0; i < sizeof hidden / sizeof hidden[0] && volumes->models == NULL; i++) {
        hidden[i](volumes->boot);
        search(volumes);
    }
    if (volumes->models != NULL) {
        volumes->last = volumes->models->device;
        return EFI_SUCCESS;
    }
    return volumes->last != NULL && !volumes_have(volumes, volumes->last) ? EFI_NO_MEDIA : status;
}

EFI_STATUS volumes_again(struct volumes *volumes, EFI_HANDLE device)
{
    volumes_close(volumes);
    if (volumes_have(volumes, device)) {
        connect_again(volumes->boot, device);
    }
    return volumes_update(volumes);
}

struct volume *volumes_at(struct volumes *volumes, bool of_models, uint32_t number)
{
    if (of_models && volumes->models != NULL) {
        return number == 0 ? volumes->models : NULL;
    }
    return number < volumes->count ? &volumes->volume[number] : NULL;
}

void volumes_close(struct volumes *volumes)
{
    for (uint32_t i = 0; i < volumes->count; i++) {
        volume_close(&volumes->volume[i]);
    }
    volumes->count = 0;
    volumes->models = NULL;
}
