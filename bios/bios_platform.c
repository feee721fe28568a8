/* struct platform on a BIOS: screen, keys and clock by INT 10h, INT 16h and the timer chip, files by fat.c over INT
   13h. */
#include "bios_platform.h"

#include "base/format.h"
#include "clock.h"
#include "cp437.h"
#include "disk.h"
#include "extended_memory.h"
#include "fat.h"
#include "keyboard.h"
#include "layout.h"
#include "power.h"
#include "processors.h"
#include "rtc.h"
#include "screen.h"
#include "serial.h"
#include "smbios.h"
#include "terminal.h"

enum { FILES = 2, VENDOR_MAX = 80 };

static struct {
    struct fat_volume volume;
    bool mounted;
    struct fat_file file[FILES];
    bool in_use[FILES];
    char vendor[VENDOR_MAX];
} machine;

static int read_sectors(void *context, uint32_t lba, uint32_t count, void *buffer)
{
    (void)context;
    return disk_read(lba, count, buffer);
}

/* What a call of fat.c returned, as the interface wants it. */
static int report(struct platform *platform, int status)
{
    if (status == FAT_OK || status == FAT_NOT_FOUND) {
        return status == FAT_OK ? PLATFORM_OK : PLATFORM_NOT_FOUND;
    }
    format(platform->error, sizeof platform->error, "%s",
           status == FAT_READ_FAILED ? disk_error() : machine.volume.error);
    return PLATFORM_IO_ERROR;
}

/* The volume of the boot drive, looked for again as long as there was none. */
static int mount(void)
{
    int status = machine.mounted ? FAT_OK : fat_mount(&machine.volume, read_sectors, NULL, cp437_high);
    machine.mounted = status == FAT_OK;
    return status;
}

static void put(struct platform *platform, const char *utf8, size_t n)
{
    (void)platform;
    terminal_put(utf8, n);
}

static int get_key(struct platform *platform)
{
    (void)platform;
    return terminal_get_key();
}

static int open(struct platform *platform, const char *path, struct platform_file *file)
{
    unsigned number = machine.in_use[0] ? 1 : 0;

    if (machine.in_use[number]) {
        format(platform->error, sizeof platform->error, "more than %d files open", FILES);
        return PLATFORM_IO_ERROR;
    }
    int status = mount();
    if (status == FAT_OK) {
        status = fat_open(&machine.volume, path, &machine.file[number]);
    }
    if (status == FAT_OK) {
        machine.in_use[number] = true;
        *file = (struct platform_file){.size = machine.file[number].size, .state = {number}};
    }
    return report(platform, status);
}

static void close(struct platform *platform, struct platform_file *file)
{
    (void)platform;
    machine.in_use[file->state[0]] = false;
}

static int read(struct platform *platform, struct platform_file *file, uint64_t offset, void *buffer, uint32_t bytes)
{
    return report(platform, fat_read(&machine.volume, &machine.file[file->state[0]], (uint32_t)offset, buffer, bytes));
}

static int list(struct platform *platform, const char *directory, uint32_t index, struct platform_entry *entry)
{
    int status = mount();

    if (status == FAT_OK) {
        status = fat_list(&machine.volume, directory, index);
    }
    if (status == FAT_OK) {
        const struct fat_entry *found = &machine.volume.entry;
        *entry = (struct platform_entry){.size = found->size, .is_directory = found->is_directory};
        format(entry->name, sizeof entry->name, "%s", found->name);
    }
    return report(platform, status);
}

static uint64_t microseconds(struct platform *platform)
{
    (void)platform;
    return clock_microseconds();
}

static uint64_t memory_free(struct platform *platform)
{
    (void)platform;
    return extended_memory_free();
}

static void *reserve(struct platform *platform, size_t bytes)
{
    (void)platform;
    return extended_memory_reserve(bytes);
}

static void release(struct platform *platform, void *memory, size_t bytes)
{
    (void)platform;
    (void)bytes;
    extended_memory_release(memory);
}

/* Interrupts may come while core/ computes: they leave the vector registers alone. */
static void exclusive(struct platform *platform, bool on)
{
    (void)platform;
    if (on) {
        keyboard_busy();
    }
}

static void idle(struct platform *platform)
{
    (void)platform;
    terminal_idle();
}

static void reboot(struct platform *platform)
{
    (void)platform;
    power_reboot();
}

static void switch_off(struct platform *platform)
{
    (void)platform;
    power_off();
}

static void set_colour(struct platform *platform, enum platform_colour colour)
{
    (void)platform;
    terminal_colour(colour);
}

static bool set_serial(struct platform *platform, uint32_t port, uint32_t speed)
{
    return serial_set(port, speed, platform->error);
}

static uint64_t clock_seed(struct platform *platform)
{
    (void)platform;
    return rtc_seed();
}

static uint32_t other_processors(struct platform *platform)
{
    (void)platform;
    return processors_count();
}

static uint32_t start_processors(struct platform *platform, void (*work)(void *context, uint32_t index), void *context)
{
    (void)platform;
    return processors_start(work, context);
}

static void stop_processors(struct platform *platform)
{
    (void)platform;
    processors_stop();
}

struct platform *bios_platform(void)
{
    static struct platform platform = {
        .firmware = "BIOS",
        .vendor = machine.vendor,
        .columns = SCREEN_COLUMNS,
        .preferred_read = BOUNCE_SECTORS * FAT_SECTOR,
        .put = put,
        .set_colour = set_colour,
        .set_serial = set_serial,
        .get_key = get_key,
        .open = open,
        .close = close,
        .read = read,
        .list = list,
        .microseconds = microseconds,
        .memory_free = memory_free,
        .reserve = reserve,
        .release = release,
        .exclusive = exclusive,
        .idle = idle,
        .clock_seed = clock_seed,
        .other_processors = other_processors,
        .start_processors = start_processors,
        .stop_processors = stop_processors,
        .reboot = reboot,
        .power_off = switch_off,
    };
    smbios_vendor(machine.vendor, sizeof machine.vendor);
    processors_find();
    return &platform;
}
