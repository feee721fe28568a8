/* struct platform on a BIOS: screen, keys and clock by INT 10h, INT 16h and the timer chip, files by fat_*.c over INT
   13h. */
#include "bios_platform.h"

#include "base/format.h"
#include "clock.h"
#include "cp437.h"
#include "initrd.h"
#include "io.h"
#include "layout.h"
#include "power.h"
#include "processors.h"
#include "rtc.h"
#include "smbios.h"

_Static_assert(WINDOW_ADDRESS - STAGE2_LIMIT >= PLATFORM_WINDOW_ROOM, "there is room in front of the window");

static struct bios_machine *machine_of(const struct platform *platform)
{
    return platform->state;
}

/* ---- The disk ---- */

static int read_sectors(void *context, uint32_t lba, uint32_t count, void *buffer)
{
    enum disk_status status = disk_read(context, lba, count, buffer);
    return status == DISK_OK ? FAT_OK : status == DISK_STOPPED ? FAT_STOPPED : FAT_READ_FAILED;
}

/* core's stop_asked, for the disk. What has been said is shown first: a drive may take seconds. */
static bool stop_asked(void *context)
{
    const struct platform *platform = context;
    screen_update(&machine_of(platform)->terminal.screen);
    return platform->stop_asked != NULL && platform->stop_asked(platform->stop_context);
}

/* Converts the result of a function of fat_boot.h or fat_file.h to the interface's. `error` is FAT's. */
static int report(struct platform *platform, int status, const char *error)
{
    platform->is_gone = machine_of(platform)->disk.is_gone;
    switch (status) {
    case FAT_OK:
        return PLATFORM_OK;
    case FAT_NOT_FOUND:
        return PLATFORM_NOT_FOUND;
    case FAT_STOPPED:
        format(platform->error, sizeof platform->error, "stopped by a key");
        return PLATFORM_STOPPED;
    default:
        format(platform->error, sizeof platform->error, "%s",
               status == FAT_READ_FAILED ? machine_of(platform)->disk.error : error);
        return PLATFORM_IO_ERROR;
    }
}

/* Whether the BIOS knows anything about the drive. */
static bool has_disk(const struct bios_machine *machine)
{
    return machine->disk.has_edd || machine->disk.sectors_per_track > 0;
}

/* Memory for pieces of file allocation tables: a 64th of it, at most what the cache can use. */
static void init_files(struct bios_machine *machine, uint32_t origin)
{
    enum { SHARE = 64 };
    const uint64_t most = (uint64_t)FAT_CACHE_PIECES_MAX * FAT_CACHE_PIECE_BYTES;
    uint64_t bytes = extended_memory_free(&machine->memory) / SHARE;

    bytes = bytes < most ? bytes / FAT_CACHE_PIECE_BYTES * FAT_CACHE_PIECE_BYTES : most;
    void *memory = bytes > 0 ? extended_memory_reserve(&machine->memory, (size_t)bytes) : NULL;
    fat_cache_init(&machine->cache, read_sectors, &machine->disk, memory, memory != NULL ? (size_t)bytes : 0);
    fat_boot_init(&machine->boot, &machine->cache, origin, cp437_high);
}

/* ---- struct platform ---- */

static void put(struct platform *platform, const char *utf8, size_t n)
{
    terminal_put(&machine_of(platform)->terminal, utf8, n);
}

static int get_key(struct platform *platform)
{
    struct bios_machine *machine = machine_of(platform);
    int key = terminal_get_key(&machine->terminal);

    if (key != KEY_NONE && machine->disk.is_gone) { /* the user may have plugged it in again */
        disk_retry(&machine->disk);
        fat_boot_forget(&machine->boot);
    }
    return key;
}

/* Before a file or a folder is looked for. */
static void notice_other_floppy(struct bios_machine *machine)
{
    if (!machine->in_use[0] && !machine->in_use[1] && disk_may_be_changed(&machine->disk)) {
        fat_boot_forget(&machine->boot);
    }
}

static int open(struct platform *platform, const char *path, struct platform_file *file)
{
    struct bios_machine *machine = machine_of(platform);
    unsigned number = machine->in_use[0] ? 1 : 0;

    notice_other_floppy(machine);
    if (machine->in_use[number]) {
        format(platform->error, sizeof platform->error, "more than %d files open", BIOS_FILES);
        return PLATFORM_IO_ERROR;
    }
    int status = fat_boot_open(&machine->boot, path, &machine->file[number]);
    if (status == FAT_OK) {
        machine->in_use[number] = true;
        *file = (struct platform_file){.size = machine->file[number].size, .state = {number}};
    }
    return report(platform, status, machine->boot.error);
}

static void close(struct platform *platform, struct platform_file *file)
{
    machine_of(platform)->in_use[file->state[0]] = false;
}

static int read(struct platform *platform, struct platform_file *file, uint64_t offset, void *buffer, uint32_t bytes)
{
    struct fat_file *opened = &machine_of(platform)->file[file->state[0]];

    return report(platform, fat_file_read(opened, (uint32_t)offset, buffer, bytes), opened->volume->error);
}

static int list(struct platform *platform, const char *directory, uint32_t index, struct platform_entry *entry)
{
    struct bios_machine *machine = machine_of(platform);

    if (index == 0) {
        notice_other_floppy(machine);
    }
    int status = fat_boot_list(&machine->boot, directory, index, &machine->entry);

    if (status == FAT_OK) {
        fat_boot_describe(&machine->entry, entry);
    }
    return report(platform, status, machine->boot.error);
}

static uint64_t microseconds(struct platform *platform)
{
    (void)platform;
    return clock_microseconds();
}

static uint64_t memory_free(struct platform *platform)
{
    return extended_memory_free(&machine_of(platform)->memory);
}

static void *reserve(struct platform *platform, size_t bytes)
{
    return extended_memory_reserve(&machine_of(platform)->memory, bytes);
}

static void release(struct platform *platform, void *memory, size_t bytes)
{
    (void)bytes;
    extended_memory_release(&machine_of(platform)->memory, memory);
}

/* Interrupts may arrive while core/ computes: they do not touch the vector registers. */
static void exclusive(struct platform *platform, bool on)
{
    if (on) {
        keyboard_busy(&machine_of(platform)->terminal.keyboard);
    }
}

static void idle(struct platform *platform)
{
    terminal_idle(&machine_of(platform)->terminal);
}

static void reboot(struct platform *platform)
{
    screen_update(&machine_of(platform)->terminal.screen);
    power_reboot();
}

static void switch_off(struct platform *platform)
{
    screen_update(&machine_of(platform)->terminal.screen);
    power_off();
}

static void set_colour(struct platform *platform, enum platform_colour colour)
{
    terminal_colour(&machine_of(platform)->terminal, colour);
}

static bool set_serial(struct platform *platform, uint32_t port, uint32_t speed)
{
    return serial_set(&machine_of(platform)->terminal.serial, port, speed, platform->error);
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

static bool reset_processor(struct platform *platform, uint32_t index)
{
    (void)platform;
    return processors_reset(index);
}

static void stop_processors(struct platform *platform)
{
    (void)platform;
    processors_stop(platform->processors_note, sizeof platform->processors_note);
}

void bios_platform_init(struct platform *platform, struct bios_machine *machine, uint32_t origin)
{
    *platform = (struct platform){
        .state = machine,
        .firmware = "BIOS",
        .vendor = machine->vendor,
        .columns = SCREEN_COLUMNS,
        .preferred_read = disk_preferred(&machine->disk) * FAT_SECTOR,
        .window = (uint8_t *)memory_at(WINDOW_ADDRESS),
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
        .reset_processor = reset_processor,
        .reboot = reboot,
        .power_off = switch_off,
    };
    if (machine->given != NULL) {
        platform->command_line = machine->given->command_line;
    }
    smbios_vendor(machine->vendor, sizeof machine->vendor);
    processors_find(&machine->memory);
    machine->disk.stop_asked = stop_asked;
    machine->disk.context = platform;
    if (machine->given != NULL && (machine->given->initrd_bytes > 0 || !has_disk(machine))) {
        initrd_mount(platform, machine->given);
    } else {
        init_files(machine, origin);
    }
}
