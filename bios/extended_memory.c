#include "extended_memory.h"

#include "bios_call.h"
#include "memory_map.h"

enum {
    SMAP = 0x534D4150,
    E820_BYTES = 24,
    E820_BYTES_MIN = 20,
    TYPE_USABLE = 1,
    ATTRIBUTE_ENABLED = 1,
    PAGE = 4096,
    KIB = 1024,
    BLOCK = 64 * KIB,
};
static const uint64_t MIB = 1 << 20, END = 1ull << 32;

struct e820_entry { /* ACPI specification ch. 15.1 */
    uint64_t base, size;
    uint32_t type, attributes; /* attributes only if 24 bytes were returned */
};
_Static_assert(sizeof(struct e820_entry) == E820_BYTES, "as the BIOS fills it");

/* INT 15h E820h, with workarounds for many BIOSes: some want the buffer unchanged between two calls, show the end as
   EBX = 0 or as carry one call later, or always write 20 bytes. */
static void ask_e820(struct memory_map *map)
{
    struct e820_entry entry = {.attributes = ATTRIBUTE_ENABLED};
    uint32_t next = 0;

    for (int calls = 0; calls < MEMORY_MAP_MAX; calls++) {
        struct bios_regs regs = {.eax = 0xE820,
                                 .ebx = next,
                                 .ecx = E820_BYTES,
                                 .edx = SMAP,
                                 .es = bios_segment(&entry),
                                 .edi = bios_offset(&entry),
                                 .flags = BIOS_CARRY};
        bios_call(0x15, &regs);
        if (bios_failed(&regs) || regs.eax != SMAP || regs.ecx < E820_BYTES_MIN) {
            return;
        }
        if (regs.ecx < E820_BYTES) {
            entry.attributes = ATTRIBUTE_ENABLED;
        }
        if ((entry.attributes & ATTRIBUTE_ENABLED) != 0) {
            memory_map_add(map, entry.base, entry.size, entry.type == TYPE_USABLE);
        }
        next = regs.ebx;
        if (next == 0) {
            return;
        }
    }
}

/* INT 15h E801h: KiB from 1 MiB to 16 MiB and blocks of 64 KiB above, in CX:DX or AX:BX. */
static void ask_e801(struct memory_map *map)
{
    struct bios_regs regs = {.eax = 0xE801, .flags = BIOS_CARRY};
    bios_call(0x15, &regs);
    if (bios_failed(&regs)) {
        return;
    }
    uint16_t kib = (uint16_t)regs.ecx, blocks = (uint16_t)regs.edx;
    if (kib == 0 && blocks == 0) {
        kib = (uint16_t)regs.eax;
        blocks = (uint16_t)regs.ebx;
    }
    memory_map_add(map, MIB, (uint64_t)(kib > 15 * KIB ? 15 * KIB : kib) * KIB, true);
    memory_map_add(map, 16 * MIB, (uint64_t)blocks * BLOCK, true);
}

/* INT 15h 88h: KiB above 1 MiB. */
static void ask_88(struct memory_map *map)
{
    struct bios_regs regs = {.eax = 0x8800, .flags = BIOS_CARRY};
    bios_call(0x15, &regs);
    if (!bios_failed(&regs)) {
        memory_map_add(map, MIB, (uint64_t)(uint16_t)regs.eax * KIB, true);
    }
}

uint64_t extended_memory_init(struct extended_memory *memory, const struct linux_boot *given)
{
    static void (*const ways[])(struct memory_map *) = {ask_e820, ask_e801, ask_88};
    static struct memory_map map;
    struct memory_range largest = {0, 0};

    for (unsigned i = 0; i < sizeof ways / sizeof ways[0] && largest.size == 0; i++) {
        map.count = 0;
        if (given != NULL) {
            memory_map_add(&map, given->initrd, given->initrd_bytes, false);
        }
        ways[i](&map);
        largest = memory_map_largest(&map, MIB, END);
    }
    *memory = (struct extended_memory){.base = largest.base, .size = largest.size};
    return memory->size;
}

uint64_t extended_memory_free(const struct extended_memory *memory)
{
    return memory->size - memory->used;
}

void *extended_memory_reserve(struct extended_memory *memory, size_t bytes)
{
    uint64_t pages = ((uint64_t)bytes + PAGE - 1) & ~(uint64_t)(PAGE - 1);

    if (bytes == 0 || pages > memory->size - memory->used) {
        return NULL;
    }
    void *piece = (void *)(uintptr_t)(memory->base + memory->used);
    memory->used += pages;
    return piece;
}

void extended_memory_release(struct extended_memory *memory, void *piece)
{
    memory->used = (uintptr_t)piece - memory->base;
}
