#include "pages.h"

enum {
    MAP_TRIES = 4,
    MAP_SLACK = 8,                /* descriptors that taking memory for the map may add to it */
    FIRMWARE_SHARE_MAX = 8 << 20, /* most bytes of the block left to the firmware; otherwise an eighth */
};

static size_t page_count(size_t bytes)
{
    return bytes / EFI_PAGE_SIZE + (bytes % EFI_PAGE_SIZE != 0);
}

/* Pages of a piece that pointers reach: IA-32 firmware may list memory above 4 GiB. */
static uint64_t reachable(const EFI_MEMORY_DESCRIPTOR *piece)
{
    const uint64_t end = UINTPTR_MAX / EFI_PAGE_SIZE + 1, start = piece->PhysicalStart / EFI_PAGE_SIZE;
    const uint64_t most = start < end ? end - start : 0;

    return piece->NumberOfPages < most ? piece->NumberOfPages : most;
}

/* Reachable pages of the largest free descriptor. Descriptors are `step` bytes apart, more than the size of their C
   type. */
static uint64_t largest_free(const uint8_t *map, UINTN size, UINTN step)
{
    uint64_t most = 0;

    for (UINTN at = 0; step >= sizeof(EFI_MEMORY_DESCRIPTOR) && at + step <= size; at += step) {
        const EFI_MEMORY_DESCRIPTOR *piece = (const EFI_MEMORY_DESCRIPTOR *)(map + at);
        if (piece->Type == EfiConventionalMemory && reachable(piece) > most) {
            most = reachable(piece);
        }
    }
    return most;
}

uint64_t pages_largest(EFI_BOOT_SERVICES *boot)
{
    UINTN size = 0, key, step = 0;
    UINT32 version;
    uint64_t pages = 0;

    EFI_STATUS status = boot->GetMemoryMap(&size, NULL, &key, &step, &version);
    for (uint32_t i = 0; i < MAP_TRIES && status == EFI_BUFFER_TOO_SMALL; i++) {
        void *map = NULL;
        size += MAP_SLACK * step;
        if (EFI_ERROR(boot->AllocatePool(EfiLoaderData, size, &map))) {
            return 0;
        }
        status = boot->GetMemoryMap(&size, map, &key, &step, &version);
        if (!EFI_ERROR(status)) {
            pages = largest_free(map, size, step);
        }
        boot->FreePool(map);
    }
    uint64_t bytes = pages > UINT64_MAX / EFI_PAGE_SIZE ? 0 : pages * EFI_PAGE_SIZE;
    uint64_t share = bytes / 8 < FIRMWARE_SHARE_MAX ? bytes / 8 : FIRMWARE_SHARE_MAX;
    return (bytes - share) & ~(uint64_t)EFI_PAGE_MASK;
}

/* Memory whose last address is at most `limit`. */
static void *allocate(EFI_BOOT_SERVICES *boot, EFI_PHYSICAL_ADDRESS limit, size_t bytes)
{
    const EFI_ALLOCATE_TYPE type = limit == UINT64_MAX ? AllocateAnyPages : AllocateMaxAddress;
    EFI_PHYSICAL_ADDRESS address = limit;

    if (EFI_ERROR(boot->AllocatePages(type, EfiLoaderData, page_count(bytes), &address))) {
        return NULL;
    }
    return (void *)(uintptr_t)address;
}

void *pages_take(EFI_BOOT_SERVICES *boot, size_t bytes)
{
    return allocate(boot, UINTPTR_MAX, bytes);
}

void *pages_take_low(EFI_BOOT_SERVICES *boot, size_t bytes)
{
    return allocate(boot, UINT32_MAX, bytes);
}

void pages_give(EFI_BOOT_SERVICES *boot, void *memory, size_t bytes)
{
    boot->FreePages((EFI_PHYSICAL_ADDRESS)(uintptr_t)memory, page_count(bytes));
}
