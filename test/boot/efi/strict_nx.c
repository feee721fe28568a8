/*
 * Firmware that maps no page writable and executable, made of firmware that does not care: loads \EFI\BOOT\OURS.EFI of
 * its own volume, protects each of its sections as its header says and all free memory and data against execution,
 * and starts it. Started by x86-64 firmware of EDK II as \EFI\BOOT\BOOTX64.EFI.
 *
 * The page tables are changed through EDK II's CPU protocol (Platform Initialization specification, volume 2).
 */
#include "own_volume.h"

#define READ_ONLY 0x20000ull /* EFI_MEMORY_RO, which gnu-efi lacks */

enum {
    MAP_BYTES = 1 << 16,
    FILE_BYTES_MAX = 1 << 19,
    FIRST_PROTECTED = 1 << 20, /* below lies what processors start from */
    SECTION_BYTES = 40,
    EXECUTE = 0x20000000,
    WRITE = 0x80000000,
};

struct cpu_protocol {
    void *other_functions[7];
    EFI_STATUS(EFIAPI *set_memory_attributes)
    (struct cpu_protocol *, EFI_PHYSICAL_ADDRESS address, UINT64 bytes, UINT64 attributes);
};

static uint32_t u32(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static uint32_t u16(const uint8_t *at)
{
    return at[0] | (uint32_t)at[1] << 8;
}

static UINT64 whole_pages(UINT64 bytes)
{
    return (bytes + EFI_PAGE_SIZE - 1) & ~(UINT64)EFI_PAGE_MASK;
}

/* The loaded image's header and sections (Microsoft's PE format). */
static EFI_STATUS protect_image(struct cpu_protocol *cpu, const uint8_t *image)
{
    const uint8_t *coff = image + u32(image + 0x3C) + 4;
    const uint8_t *section = coff + 20 + u16(coff + 16);
    const EFI_PHYSICAL_ADDRESS base = (EFI_PHYSICAL_ADDRESS)(uintptr_t)image;
    const uint32_t count = u16(coff + 2);

    EFI_STATUS status = cpu->set_memory_attributes(cpu, base, EFI_PAGE_SIZE, READ_ONLY | EFI_MEMORY_XP);
    for (uint32_t i = 0; i < count && !EFI_ERROR(status); i++, section += SECTION_BYTES) {
        const uint32_t access = u32(section + 36);
        const UINT64 attributes = (access & WRITE ? 0 : READ_ONLY) | (access & EXECUTE ? 0 : EFI_MEMORY_XP);
        status = cpu->set_memory_attributes(cpu, base + u32(section + 12), whole_pages(u32(section + 8)), attributes);
    }
    return status;
}

static bool is_data(UINT32 type)
{
    return type == EfiConventionalMemory || type == EfiLoaderData || type == EfiBootServicesData;
}

/* Whatever our program will be given comes from here. */
static EFI_STATUS protect_data(struct cpu_protocol *cpu, EFI_BOOT_SERVICES *boot)
{
    static uint8_t map[MAP_BYTES] __attribute__((aligned(8)));
    UINTN size = sizeof map, key, step;
    UINT32 version;
    EFI_STATUS status = boot->GetMemoryMap(&size, (EFI_MEMORY_DESCRIPTOR *)map, &key, &step, &version);

    for (UINTN at = 0; at < size && !EFI_ERROR(status); at += step) {
        const EFI_MEMORY_DESCRIPTOR *piece = (const EFI_MEMORY_DESCRIPTOR *)(map + at);
        if (is_data(piece->Type) && piece->PhysicalStart >= FIRST_PROTECTED) {
            status = cpu->set_memory_attributes(cpu, piece->PhysicalStart, piece->NumberOfPages * EFI_PAGE_SIZE,
                                                EFI_MEMORY_XP);
        }
    }
    return status;
}

/* The started program finds its own volume as if the firmware had loaded it from there. */
static EFI_STATUS load(EFI_HANDLE self, EFI_BOOT_SERVICES *boot, EFI_HANDLE *loaded, const uint8_t **base)
{
    static uint8_t content[FILE_BYTES_MAX];
    static const EFI_GUID loaded_image = EFI_LOADED_IMAGE_PROTOCOL_GUID;
    EFI_LOADED_IMAGE *of_self, *of_loaded;
    UINTN size = sizeof content;

    EFI_STATUS status = own_volume_read(self, boot, u"\\EFI\\BOOT\\OURS.EFI", content, &size);
    if (!EFI_ERROR(status)) {
        status = boot->LoadImage(FALSE, self, NULL, content, size, loaded);
    }
    if (!EFI_ERROR(status)) {
        status = boot->HandleProtocol(self, (EFI_GUID *)&loaded_image, (void **)&of_self);
    }
    if (!EFI_ERROR(status)) {
        status = boot->HandleProtocol(*loaded, (EFI_GUID *)&loaded_image, (void **)&of_loaded);
    }
    if (!EFI_ERROR(status)) {
        of_loaded->DeviceHandle = of_self->DeviceHandle;
        *base = of_loaded->ImageBase;
    }
    return status;
}

EFI_STATUS efi_main(EFI_HANDLE self, EFI_SYSTEM_TABLE *table)
{
    static const EFI_GUID guid = {0x26BACCB1, 0x6F42, 0x11D4, {0xBC, 0xE7, 0x00, 0x80, 0xC7, 0x3C, 0x88, 0x81}};
    EFI_BOOT_SERVICES *boot = table->BootServices;
    struct cpu_protocol *cpu;
    EFI_HANDLE loaded;
    const uint8_t *base;

    EFI_STATUS status = boot->LocateProtocol((EFI_GUID *)&guid, NULL, (void **)&cpu);
    if (!EFI_ERROR(status)) {
        status = load(self, boot, &loaded, &base);
    }
    if (!EFI_ERROR(status)) {
        status = protect_data(cpu, boot);
    }
    if (!EFI_ERROR(status)) {
        status = protect_image(cpu, base);
    }
    if (EFI_ERROR(status)) {
        table->ConOut->OutputString(table->ConOut, u"\r\nnot protected\r\n");
        return status;
    }
    table->ConOut->OutputString(table->ConOut, u"\r\nall pages protected\r\n");
    return boot->StartImage(loaded, NULL, NULL);
}
