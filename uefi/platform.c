/* struct platform on UEFI: each call in a few lines, the work in the files that it names. */
#include "uefi_platform.h"

#include "console_path.h"
#include "format.h"
#include "pages.h"
#include "unicode.h"

#define GREETING "bootllama: UEFI"

enum { WATCHDOG_PERIOD_US = 5000000, IDLE_US = 10000, SERIAL_BYTES_A_CALL = 64 };

static struct uefi *uefi_of(struct platform *platform)
{
    return platform->state;
}

/* Some firmware arms its watchdog again on its own: called wherever time passes. */
static void watchdog_keep_off(struct uefi *uefi)
{
    uint64_t now = clock_microseconds(&uefi->clock);

    if (now - uefi->watchdog_off >= WATCHDOG_PERIOD_US) {
        uefi->watchdog_off = now;
        uefi->boot->SetWatchdogTimer(0, 0, 0, NULL);
    }
}

static void put(struct platform *platform, const char *utf8, size_t n)
{
    struct uefi *uefi = uefi_of(platform);

    screen_put(&uefi->screen, utf8, n);
    if (uefi->serial_out) {
        serial_put(&uefi->serial, utf8, n);
    }
}

static int serial_key(struct uefi *uefi)
{
    uint64_t now = clock_microseconds(&uefi->clock);
    int key = terminal_keys_idle(&uefi->terminal, now);

    for (int bytes = 0; key == KEY_NONE && bytes < SERIAL_BYTES_A_CALL; bytes++) {
        int byte = serial_get(&uefi->serial);
        if (byte < 0) {
            break;
        }
        key = terminal_keys_byte(&uefi->terminal, (uint8_t)byte, now);
    }
    return key;
}

static int get_key(struct platform *platform)
{
    struct uefi *uefi = uefi_of(platform);

    watchdog_keep_off(uefi);
    int key = keyboard_get(&uefi->keyboard);
    return key == KEY_NONE && uefi->serial_in ? serial_key(uefi) : key;
}

static int open(struct platform *platform, const char *path, struct platform_file *file)
{
    return files_open(&uefi_of(platform)->files, path, file, platform->error);
}

static void close(struct platform *platform, struct platform_file *file)
{
    files_close(&uefi_of(platform)->files, file);
}

static int read(struct platform *platform, struct platform_file *file, uint64_t offset, void *buffer, uint32_t bytes)
{
    watchdog_keep_off(uefi_of(platform));
    return files_read(&uefi_of(platform)->files, file, offset, buffer, bytes, platform->error);
}

static int list(struct platform *platform, const char *directory, uint32_t index, struct platform_entry *entry)
{
    return files_list(&uefi_of(platform)->files, directory, index, entry, platform->error);
}

static uint64_t microseconds(struct platform *platform)
{
    return clock_microseconds(&uefi_of(platform)->clock);
}

static uint64_t memory_free(struct platform *platform)
{
    return pages_largest(uefi_of(platform)->boot);
}

static void *reserve(struct platform *platform, size_t bytes)
{
    return pages_take(uefi_of(platform)->boot, bytes);
}

static void release(struct platform *platform, void *memory, size_t bytes)
{
    pages_give(uefi_of(platform)->boot, memory, bytes);
}

/* At the highest level no timer or event handler of the firmware runs, and so none changes vector registers. */
static void exclusive(struct platform *platform, bool on)
{
    struct uefi *uefi = uefi_of(platform);

    if (on == uefi->is_exclusive) {
        return;
    }
    uefi->is_exclusive = on;
    if (on) {
        uefi->outer_level = uefi->boot->RaiseTPL(TPL_HIGH_LEVEL);
    } else {
        uefi->boot->RestoreTPL(uefi->outer_level);
    }
}

/* Rests only where the firmware watches all that can be typed on: a serial port's queue of 16 bytes lasts 1.4 ms. */
static void idle(struct platform *platform)
{
    struct uefi *uefi = uefi_of(platform);

    if (!uefi->serial_in || !uefi->serial.present) {
        keyboard_rest(&uefi->keyboard, IDLE_US);
    }
}

static void set_colour(struct platform *platform, enum platform_colour colour)
{
    (void)platform;
    (void)colour;
}

static bool set_serial(struct platform *platform, uint32_t port, uint32_t speed)
{
    (void)platform;
    (void)port;
    (void)speed;
    return false;
}

static uint64_t clock_seed(struct platform *platform)
{
    return platform->microseconds(platform);
}

static uint32_t start_processors(struct platform *platform, void (*work)(void *context, uint32_t index), void *context)
{
    (void)platform;
    (void)work;
    (void)context;
    return 0;
}

static void stop_processors(struct platform *platform)
{
    (void)platform;
}

static void reboot(struct platform *platform)
{
    EFI_RUNTIME_SERVICES *runtime = uefi_of(platform)->table->RuntimeServices;

    runtime->ResetSystem(EfiResetCold, EFI_SUCCESS, 0, NULL);
    runtime->ResetSystem(EfiResetWarm, EFI_SUCCESS, 0, NULL);
}

static void power_off(struct platform *platform)
{
    uefi_of(platform)->table->RuntimeServices->ResetSystem(EfiResetShutdown, EFI_SUCCESS, 0, NULL);
}

/* COM1 where the firmware's console does not go through it; only if neither direction does is it ours to set up. */
static void begin_serial(struct uefi *uefi)
{
    uefi->serial_out = !console_output_has_com1(uefi->table);
    uefi->serial_in = !console_input_has_com1(uefi->table);
    if (uefi->serial_out || uefi->serial_in) {
        serial_open(&uefi->serial, uefi->serial_out && uefi->serial_in);
    }
}

/* "EDK II 1.00": the name is cut to what fits beside the version. */
static void name_vendor(struct uefi *uefi)
{
    char name[sizeof uefi->vendor - 16];
    uint32_t revision = uefi->table->FirmwareRevision;

    if (uefi->table->FirmwareVendor == NULL) {
        return;
    }
    utf8_from_ucs2(name, sizeof name, uefi->table->FirmwareVendor);
    format(uefi->vendor, sizeof uefi->vendor, "%s %u.%02u", name, revision >> 16, revision & 0xFFFF);
}

static EFI_HANDLE device_of(EFI_BOOT_SERVICES *boot, EFI_HANDLE image)
{
    EFI_GUID guid = EFI_LOADED_IMAGE_PROTOCOL_GUID;
    void *loaded = NULL;

    if (EFI_ERROR(boot->HandleProtocol(image, &guid, &loaded)) || loaded == NULL) {
        return NULL;
    }
    return ((EFI_LOADED_IMAGE_PROTOCOL *)loaded)->DeviceHandle;
}

/* The first line is on the screen before anything else is tried: where a machine stops, it tells how far it got. */
void uefi_greet(EFI_SYSTEM_TABLE *table)
{
    table->BootServices->SetWatchdogTimer(0, 0, 0, NULL);
    screen_greet(table, u"" GREETING);
}

/* Ends the first line with what a debugger needs to load symbols (README.md), and brings it to the serial port. */
static void begin_console(struct uefi *uefi, const void *image_base)
{
    uint64_t base = (uintptr_t)image_base;
    char line[64];

    screen_open(&uefi->screen, uefi->table);
    keyboard_open(&uefi->keyboard, uefi->table);
    begin_serial(uefi);
    if (base >> 32 != 0) {
        format(line, sizeof line, GREETING ", image at 0x%x%08x\n", (uint32_t)(base >> 32), (uint32_t)base);
    } else {
        format(line, sizeof line, GREETING ", image at 0x%x\n", (uint32_t)base);
    }
    screen_put(&uefi->screen, line + sizeof GREETING - 1, text_length(line) - (sizeof GREETING - 1));
    if (uefi->serial_out) {
        serial_put(&uefi->serial, line, text_length(line));
    }
}

void uefi_platform_begin(struct platform *platform, struct uefi *uefi, EFI_HANDLE image, EFI_SYSTEM_TABLE *table,
                         const void *image_base)
{
    *uefi = (struct uefi){.table = table, .boot = table->BootServices};
    begin_console(uefi, image_base);
    clock_open(&uefi->clock, table);
    files_begin(&uefi->files, uefi->boot, device_of(uefi->boot, image), &uefi->clock);
    name_vendor(uefi);
    *platform = (struct platform){
        .state = uefi,
        .firmware = "UEFI",
        .vendor = uefi->vendor,
        .columns = uefi->screen.columns,
        .preferred_read = FILES_READ_MAX,
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
        .start_processors = start_processors,
        .stop_processors = stop_processors,
        .reboot = reboot,
        .power_off = power_off,
    };
}

void uefi_platform_end(struct uefi *uefi)
{
    files_end(&uefi->files);
    screen_close(&uefi->screen);
}
