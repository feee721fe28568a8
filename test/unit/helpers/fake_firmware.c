#include "unit.h"

#include "fake_firmware.h"
#include "uefi/files.h"
#include "uefi/unicode.h"

#include <strings.h>

struct fake_file {
    EFI_FILE_PROTOCOL protocol;
    struct fake_volume *volume;
    const struct fake_node *node; /* NULL = the root */
    uint64_t position;
    bool dead;
};

uint8_t fake_content(uint64_t at)
{
    return at < 4 ? (uint8_t) "GGUF"[at] : (uint8_t)((at * 2654435761u) >> 13 ^ at >> 20);
}

static bool same_name(const char *a, size_t length, const char *b)
{
    return strncasecmp(a, b, length) == 0 && b[length] == 0;
}

static const struct fake_node *find_node(struct fake_volume *volume, const char *path)
{
    const char *name = strrchr(path, '\\') + 1;
    size_t directory = name - 1 > path ? (size_t)(name - 1 - path) - 1 : 0;

    for (size_t i = 0; i < volume->node_count; i++) {
        const struct fake_node *node = &volume->nodes[i];
        if (same_name(path + 1, directory, node->directory) && same_name(name, strlen(name), node->name)) {
            return node;
        }
    }
    return NULL;
}

static void fill_info(EFI_FILE_INFO *info, const struct fake_node *node, UINTN *size)
{
    memset(info, 0, SIZE_OF_EFI_FILE_INFO);
    info->FileSize = node != NULL && node->size > 0 ? (uint64_t)node->size : 0;
    info->Attribute = node == NULL || node->size < 0 ? EFI_FILE_DIRECTORY : 0;
    info->Attribute |= node != NULL ? node->attributes : 0;
    size_t length = 0;
    assert_true(utf16_from_utf8(info->FileName, 256, node != NULL ? node->name : ""));
    while (info->FileName[length++] != 0) {
        continue;
    }
    *size = SIZE_OF_EFI_FILE_INFO + 2 * length;
    info->Size = *size;
}

static EFI_STATUS EFIAPI fake_open(EFI_FILE_HANDLE handle, EFI_FILE_HANDLE *out, CHAR16 *name, UINT64 mode,
                                   UINT64 attributes);

static EFI_STATUS EFIAPI fake_close(EFI_FILE_HANDLE handle)
{
    struct fake_file *file = (struct fake_file *)handle;

    file->volume->open_handles--;
    free(file);
    return EFI_SUCCESS;
}

static EFI_STATUS read_directory(struct fake_file *file, UINTN *size, void *buffer)
{
    char own[600] = "";

    if (file->node != NULL) {
        const char *parent = file->node->directory;
        snprintf(own, sizeof own, "%s%s%s", parent, parent[0] != 0 ? "\\" : "", file->node->name);
    }
    for (; file->position < file->volume->node_count; file->position++) {
        const struct fake_node *node = &file->volume->nodes[file->position];
        if (strcasecmp(node->directory, own) == 0) {
            file->position++;
            fill_info(buffer, node, size);
            return EFI_SUCCESS;
        }
    }
    *size = 0;
    return EFI_SUCCESS;
}

/* A call that fails, after a while. */
static EFI_STATUS fails(struct fake_volume *volume)
{
    volume->failed++;
    fake_clock.last += volume->slowness;
    if (volume->vanishes != NULL) {
        *volume->vanishes = true;
    }
    return EFI_DEVICE_ERROR;
}

/* Whether byte `i` of n at `position` lies in a page of the driver's cache that the n bytes do not fill. */
static bool is_in_part_of_page(const struct fake_volume *volume, uint64_t position, uint64_t n, uint64_t i)
{
    const uint64_t in_page = (position + i + FILES_SATA_MARGIN - volume->page_from) % FILES_SATA_MARGIN;
    return in_page > i || n - i < FILES_SATA_MARGIN - in_page;
}

static EFI_STATUS EFIAPI fake_read(EFI_FILE_HANDLE handle, UINTN *size, VOID *buffer)
{
    struct fake_file *file = (struct fake_file *)handle;
    struct fake_volume *volume = file->volume;

    if (volume->is_dead) {
        return fails(volume);
    }
    if (file->node == NULL || file->node->size < 0) {
        return read_directory(file, size, buffer);
    }
    volume->read_to = buffer;
    volume->largest_read = *size > volume->largest_read ? *size : volume->largest_read;
    if (*size > 1 << 20) {
        return EFI_BAD_BUFFER_SIZE;
    }
    uint64_t left = (uint64_t)file->node->size - file->position;
    UINTN n = *size < left ? *size : (UINTN)left;
    n = volume->short_read != 0 && n > volume->short_read ? volume->short_read : n;
    n = volume->reads_nothing ? 0 : n;
    bool bad = volume->bad_byte >= file->position && volume->bad_byte < file->position + n;
    if ((bad && volume->failures > 0 && !volume->lies) || file->dead) {
        volume->failures--;
        file->dead = volume->handle_dies;
        return fails(volume);
    }
    for (UINTN i = 0; i < n; i++) {
        bool lost = bad && volume->failures > 0 && (file->position + i) / 512 == volume->bad_byte / 512;
        bool edge = volume->caches_edges && is_in_part_of_page(volume, file->position, n, i);
        if (!lost || edge) {
            ((uint8_t *)buffer)[i] = lost ? 0xEE : fake_content(file->position + i) ^ (file->node->foreign ? 0x55 : 0);
        }
    }
    volume->failures -= bad && volume->failures > 0;
    file->position += n;
    *size = n;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI fake_set_position(EFI_FILE_HANDLE handle, UINT64 position)
{
    ((struct fake_file *)handle)->position = position;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI fake_get_info(EFI_FILE_HANDLE handle, EFI_GUID *type, UINTN *size, VOID *buffer)
{
    struct fake_file *file = (struct fake_file *)handle;
    const EFI_GUID expected = EFI_FILE_INFO_ID;

    assert_memory_equal(type, &expected, sizeof expected);
    if (file->volume->info_fails) {
        return EFI_DEVICE_ERROR;
    }
    fill_info(buffer, file->node, size);
    return EFI_SUCCESS;
}

static struct fake_file *new_file(struct fake_volume *volume, const struct fake_node *node)
{
    struct fake_file *file = calloc(1, sizeof *file);

    file->protocol = (EFI_FILE_PROTOCOL){.Open = fake_open,
                                         .Close = fake_close,
                                         .Read = fake_read,
                                         .SetPosition = fake_set_position,
                                         .GetInfo = fake_get_info};
    file->volume = volume;
    file->node = node;
    volume->open_handles++;
    return file;
}

static EFI_STATUS EFIAPI fake_open(EFI_FILE_HANDLE handle, EFI_FILE_HANDLE *out, CHAR16 *name, UINT64 mode,
                                   UINT64 attributes)
{
    struct fake_volume *volume = ((struct fake_file *)handle)->volume;
    char path[700];

    assert_int_equal(mode, EFI_FILE_MODE_READ);
    assert_int_equal(attributes, 0);
    assert_true(utf8_from_utf16(path, sizeof path, name));
    assert_int_equal(path[0], '\\');
    if (volume->is_dead) {
        return fails(volume);
    }
    const struct fake_node *node = path[1] == 0 ? NULL : find_node(volume, path);
    if (path[1] != 0 && node == NULL) {
        return EFI_NOT_FOUND;
    }
    *out = &new_file(volume, node)->protocol;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI fake_open_volume(EFI_SIMPLE_FILE_SYSTEM_PROTOCOL *system, EFI_FILE_HANDLE *root)
{
    struct fake_volume *volume = (struct fake_volume *)system;

    if (volume->is_dead) {
        return fails(volume);
    }
    volume->open_volumes++;
    *root = &new_file(volume, NULL)->protocol;
    return EFI_SUCCESS;
}

struct fake_firmware fake;

static bool is_guid(const EFI_GUID *a, EFI_GUID b)
{
    return memcmp(a, &b, sizeof b) == 0;
}

static EFI_STATUS EFIAPI fake_read_configuration(EFI_PCI_IO_PROTOCOL *pci, EFI_PCI_IO_PROTOCOL_WIDTH width,
                                                 UINT32 offset, UINTN count, VOID *buffer)
{
    struct fake_handle *handle = (struct fake_handle *)((uint8_t *)pci - offsetof(struct fake_handle, pci));

    assert_true(width == EfiPciIoWidthUint32 && offset == 8 && count == 1);
    *(uint32_t *)buffer = handle->class;
    return handle->class != 0 ? EFI_SUCCESS : EFI_DEVICE_ERROR;
}

static void *protocol_of(struct fake_handle *handle, const EFI_GUID *guid)
{
    if (handle->pulled || handle->missed) {
        return NULL;
    }
    if (is_guid(guid, (EFI_GUID)EFI_SIMPLE_FILE_SYSTEM_PROTOCOL_GUID)) {
        return handle->unnoticed ? NULL : handle->volume;
    }
    if (is_guid(guid, (EFI_GUID)EFI_BLOCK_IO_PROTOCOL_GUID)) {
        return handle->on_bus && handle->unnoticed ? NULL : handle->volume;
    }
    if (is_guid(guid, (EFI_GUID)EFI_PCI_IO_PROTOCOL_GUID)) {
        handle->pci.Pci.Read = fake_read_configuration;
        return handle->on_bus ? &handle->pci : NULL;
    }
    if (is_guid(guid, (EFI_GUID)EFI_DEVICE_PATH_PROTOCOL_GUID)) {
        return (void *)(uintptr_t)handle->device_path;
    }
    if (is_guid(guid, (EFI_GUID)EFI_SIMPLE_TEXT_INPUT_PROTOCOL_GUID)) {
        return handle->has_keys && !handle->unnoticed ? handle : NULL;
    }
    if (is_guid(guid, (EFI_GUID)EFI_SIMPLE_TEXT_INPUT_EX_PROTOCOL_GUID)) {
        return handle->extended;
    }
    return handle->tagged ? handle : NULL;
}

static EFI_STATUS EFIAPI fake_handle_protocol(EFI_HANDLE handle, EFI_GUID *guid, VOID **interface)
{
    assert_non_null(handle);
    assert_false(((struct fake_handle *)handle)->pulled);
    *interface = protocol_of(handle, guid);
    return *interface != NULL ? EFI_SUCCESS : EFI_UNSUPPORTED;
}

static EFI_STATUS EFIAPI fake_locate(EFI_LOCATE_SEARCH_TYPE type, EFI_GUID *guid, VOID *key, UINTN *count,
                                     EFI_HANDLE **out)
{
    assert_int_equal(type, ByProtocol);
    assert_null(key);
    *count = 0;
    *out = malloc(sizeof(EFI_HANDLE) * FAKE_HANDLES);
    for (size_t i = 0; i < fake.handle_count; i++) {
        if (protocol_of(&fake.handles[i], guid) != NULL) {
            (*out)[(*count)++] = &fake.handles[i];
        }
    }
    if (*count == 0) {
        free(*out);
        *out = NULL;
        return EFI_NOT_FOUND;
    }
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI fake_connect(EFI_HANDLE handle, EFI_HANDLE *driver, EFI_DEVICE_PATH *rest, BOOLEAN recursive)
{
    (void)driver;
    (void)rest;
    (void)recursive;
    ((struct fake_handle *)handle)->unnoticed = false;
    return EFI_SUCCESS;
}

/* Every disk is on the one controller, if there is one. */
static EFI_STATUS EFIAPI fake_locate_path(EFI_GUID *guid, EFI_DEVICE_PATH **path, EFI_HANDLE *out)
{
    assert_true(is_guid(guid, (EFI_GUID)EFI_PCI_IO_PROTOCOL_GUID) && *path != NULL);
    for (size_t i = 0; i < fake.handle_count; i++) {
        if (fake.handles[i].on_bus && !fake.handles[i].unnoticed) {
            *out = &fake.handles[i];
            return EFI_SUCCESS;
        }
    }
    return EFI_NOT_FOUND;
}

static EFI_STATUS EFIAPI fake_disconnect(EFI_HANDLE handle, EFI_HANDLE driver, EFI_HANDLE child)
{
    assert_true(((struct fake_handle *)handle)->on_bus && driver == NULL && child == NULL);
    fake.controllers_stopped++;
    for (size_t i = 0; i < fake.handle_count; i++) {
        struct fake_handle *disk = &fake.handles[i];
        disk->pulled = disk->pulled || (disk->volume != NULL && disk->volume->is_dead);
        disk->missed = false;
    }
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI fake_allocate_pages(EFI_ALLOCATE_TYPE type, EFI_MEMORY_TYPE memory_type, UINTN pages,
                                             EFI_PHYSICAL_ADDRESS *address)
{
    assert_int_equal(memory_type, EfiLoaderData);
    assert_true(type == AllocateAnyPages || (type == AllocateMaxAddress && *address == 0xFFFFFFFF));
    if (pages * EFI_PAGE_SIZE > fake.memory_limit) {
        return EFI_OUT_OF_RESOURCES;
    }
    fake.allocations++;
    *address = (uintptr_t)aligned_alloc(EFI_PAGE_SIZE, pages * EFI_PAGE_SIZE);
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI fake_free_pages(EFI_PHYSICAL_ADDRESS address, UINTN pages)
{
    assert_true(pages > 0);
    fake.allocations--;
    free((void *)(uintptr_t)address);
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI fake_allocate_pool(EFI_MEMORY_TYPE type, UINTN size, VOID **out)
{
    assert_int_equal(type, EfiLoaderData);
    *out = malloc(size);
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI fake_free_pool(VOID *memory)
{
    free(memory);
    return EFI_SUCCESS;
}

/* Descriptors are 8 bytes larger than their C type. */
static EFI_STATUS EFIAPI fake_memory_map(UINTN *size, EFI_MEMORY_DESCRIPTOR *out, UINTN *key, UINTN *step,
                                         UINT32 *version)
{
    UINTN room = *size;

    *step = sizeof *out + 8;
    *size = fake.map_count * *step;
    *key = 0;
    *version = 1;
    if (fake.map == NULL) {
        return EFI_DEVICE_ERROR;
    }
    if (room < *size) {
        return EFI_BUFFER_TOO_SMALL;
    }
    for (size_t i = 0; i < fake.map_count; i++) {
        memcpy((uint8_t *)out + i * *step, &fake.map[i], sizeof *out);
    }
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI fake_stall(UINTN microseconds)
{
    assert_true(microseconds <= 1000000);
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI fake_check_event(EFI_EVENT event)
{
    assert_non_null(event);
    return fake.key_waits ? EFI_SUCCESS : EFI_NOT_READY;
}

static EFI_STATUS EFIAPI fake_get_variable(CHAR16 *name, EFI_GUID *guid, UINT32 *attributes, UINTN *size, VOID *data)
{
    (void)attributes;
    assert_int_equal(name[0], 'C');
    assert_true(is_guid(guid, (EFI_GUID)EFI_GLOBAL_VARIABLE));
    if (fake.variable == NULL) {
        return EFI_NOT_FOUND;
    }
    assert_true(fake.variable_size <= *size);
    memcpy(data, fake.variable, fake.variable_size);
    *size = fake.variable_size;
    return EFI_SUCCESS;
}

EFI_BOOT_SERVICES fake_boot = {
    .AllocatePages = fake_allocate_pages,
    .FreePages = fake_free_pages,
    .AllocatePool = fake_allocate_pool,
    .FreePool = fake_free_pool,
    .GetMemoryMap = fake_memory_map,
    .CheckEvent = fake_check_event,
    .HandleProtocol = fake_handle_protocol,
    .LocateHandleBuffer = fake_locate,
    .ConnectController = fake_connect,
    .DisconnectController = fake_disconnect,
    .LocateDevicePath = fake_locate_path,
    .Stall = fake_stall,
};
EFI_RUNTIME_SERVICES fake_runtime = {.GetVariable = fake_get_variable};
struct clock fake_clock = {.start = 0, .ticks_per_second = UINT64_MAX / 4};

void fake_reset(void)
{
    fake = (struct fake_firmware){.memory_limit = 1 << 24};
    fake_clock.last = 0;
}

struct fake_volume fake_volume_of(const struct fake_node *nodes, size_t count)
{
    return (struct fake_volume){.system.OpenVolume = fake_open_volume, .nodes = nodes, .node_count = count};
}

void fake_plug_in(struct fake_volume *volume)
{
    fake.handles[fake.handle_count++].volume = volume;
}
