#include "device_path.h"

#include "pc/bytes.h"

enum { PARTITION_NUMBER = 4 }; /* offset in a partition's node */

struct device_path device_path_in(const void *bytes, size_t size)
{
    return (struct device_path){bytes, (const uint8_t *)bytes + size};
}

struct device_path device_path_of(EFI_BOOT_SERVICES *boot, EFI_HANDLE handle)
{
    EFI_GUID guid = EFI_DEVICE_PATH_PROTOCOL_GUID;
    void *path = NULL;

    if (handle == NULL || EFI_ERROR(boot->HandleProtocol(handle, &guid, &path)) || path == NULL) {
        return (struct device_path){NULL, NULL};
    }
    return device_path_in(path, DEVICE_PATH_MAX);
}

const EFI_DEVICE_PATH_PROTOCOL *device_path_next(struct device_path *path)
{
    const EFI_DEVICE_PATH_PROTOCOL *node = (const EFI_DEVICE_PATH_PROTOCOL *)path->at;
    size_t left = (size_t)(path->end - path->at);

    if (left < sizeof *node) {
        return NULL;
    }
    size_t length = (size_t)DevicePathNodeLength(node);
    if (length < sizeof *node || length > left || IsDevicePathEnd(node)) {
        return NULL;
    }
    path->at += length;
    return node;
}

size_t device_path_bytes(struct device_path path)
{
    const uint8_t *start = path.at;

    while (device_path_next(&path) != NULL) {}
    return (size_t)(path.at - start);
}

size_t device_path_drive_bytes(struct device_path path, uint32_t *number)
{
    const uint8_t *start = path.at;
    const EFI_DEVICE_PATH_PROTOCOL *node;

    *number = 0;
    while ((node = device_path_next(&path)) != NULL) {
        if (node->Type == MEDIA_DEVICE_PATH && node->SubType == MEDIA_HARDDRIVE_DP &&
            DevicePathNodeLength(node) >= PARTITION_NUMBER + 4) {
            *number = (uint32_t)bytes_number((const uint8_t *)node + PARTITION_NUMBER, 4);
            return (size_t)((const uint8_t *)node - start);
        }
    }
    return (size_t)(path.at - start);
}

bool device_path_has(struct device_path path, uint8_t type, uint8_t subtype)
{
    const EFI_DEVICE_PATH_PROTOCOL *node;

    do {
        node = device_path_next(&path);
    } while (node != NULL && (node->Type != type || node->SubType != subtype));
    return node != NULL;
}
