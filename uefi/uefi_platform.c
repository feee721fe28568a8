/* struct platform on UEFI: each call in a few lines; the other files do the work. */
#include "uefi_platform.h"

#include "base/format.h"
#include "base/text.h"
#include "console_path.h"
#include "pages.h"
#include "pc/dim.h"
#include "pc/seed.h"
#include "pc/tsc.h"
#include "unicode.h"

#define GREETING "bootllama: UEFI"

enum { WATCHDOG_PERIOD_US = 5000000, IDLE_US = 10000, SHOW_PERIOD_US = 20000, SERIAL_BYTES_A_CALL = 64 };

_Static_assert(UART_ERROR_MAX <= sizeof((struct platform *)0)->error, "the platform's error takes uart.h's");

static struct uefi *uefi_of(struct platform *platform)
{
    return platform->state;
}

/* Some firmware re-arms its watchdog on its own, so this is called wherever time passes. */
static void watchdog_keep_off(struct uefi *uefi)
{
    uint64_t now = clock_microseconds(&uefi->clock);

    if (now - uefi->watchdog_off >= WATCHDOG_PERIOD_US) {
        uefi->watchdog_off = now;
        uefi->boot->SetWatchdogTimer(0, 0, 0, NULL);
    }
}

static void show(struct uefi *uefi)
{
    uefi->shown = clock_microseconds(&uefi->clock);
    screen_flush(&uefi->screen);
}

/* The screen is updated at most fifty times a second: text in between waits for the next text, key or idle call. */
static void put(struct platform *platform, const char *utf8, size_t n)
{
    struct uefi *uefi = uefi_of(platform);

    screen_put(&uefi->screen, utf8, n);
    if (uefi->serial_out) {
        uart_put(&uefi->uart, utf8, n);
    }
    if (clock_microseconds(&uefi->clock) - uefi->shown >= SHOW_PERIOD_US) {
        show(uefi);
    }
}

static int serial_key(struct uefi *uefi)
{
    uint64_t now = clock_microseconds(&uefi->clock);
    int key = terminal_keys_idle(&uefi->terminal, now);

    for (int bytes = 0; key == KEY_NONE && bytes < SERIAL_BYTES_A_CALL; bytes++) {
        int byte = uart_get(&uefi->uart);
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
    show(uefi);
    int key = keyboard_get(&uefi->keyboard);
    key = key == KEY_NONE && uefi->serial_in ? serial_key(uefi) : key;
    if (key != KEY_NONE) {
        files_retry(&uefi->files); /* the user may have plugged it in again */
    }
    return key;
}

static int report(struct platform *platform, int status)
{
    platform->is_gone = files_gone(&uefi_of(platform)->files);
    return status;
}

static int open(struct platform *platform, const char *path, struct platform_file *file)
{
    return report(platform, files_open(&uefi_of(platform)->files, path, file, platform->error));
}

static void close(struct platform *platform, struct platform_file *file)
{
    files_close(&uefi_of(platform)->files, file);
}

static int read(struct platform *platform, struct platform_file *file, uint64_t offset, void *buffer, uint32_t bytes)
{
    watchdog_keep_off(uefi_of(platform));
    show(uefi_of(platform));
    return report(platform, files_read(&uefi_of(platform)->files, file, offset, buffer, bytes, platform->error));
}

static int list(struct platform *platform, const char *directory, uint32_t index, struct platform_entry *entry)
{
    return report(platform, files_list(&uefi_of(platform)->files, directory, index, entry, platform->error));
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

/* At the highest level no timer or event handler of the firmware runs, so none changes vector registers. */
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

/* Idles only if the firmware watches every input device: a serial port's queue of 16 bytes lasts 1.4 ms. */
static void idle(struct platform *platform)
{
    struct uefi *uefi = uefi_of(platform);

    show(uefi);
    if (!uefi->serial_in || uefi->uart.base == 0) {
        keyboard_rest(&uefi->keyboard, IDLE_US);
    }
}

static void set_colour(struct platform *platform, enum platform_colour colour)
{
    struct uefi *uefi = uefi_of(platform);
    const char *sequence = dim_sequence(&uefi->dimmed, colour);

    screen_flush(&uefi->screen);
    colours_set(&uefi->colours, colour);
    if (uefi->serial_out) {
        uart_put(&uefi->uart, sequence, text_length(sequence));
    }
}

/* If the firmware's own console uses a direction of a port, it keeps it: text is never sent or received twice. We set
   up a port only if both directions are ours. */
static bool take_port(struct uefi *uefi, uint32_t port, uint32_t speed, char *error)
{
    bool out = !console_path_out_has_serial(uefi->table, port), in = !console_path_in_has_serial(uefi->table, port);
    struct uart uart = {0};

    if (out && in) {
        if (!uart_open(&uefi->uart, port, uart_standard_base(port), speed, error)) {
            return false;
        }
    } else if (speed != UART_SPEED) {
        format(error, UART_ERROR_MAX, "COM%u is the firmware's console: its set-up sets the speed", port);
        return false;
    } else {
        uart_drain(&uefi->uart);
        if (out || in) {
            uart_find(&uart, uart_standard_base(port));
        }
        uefi->uart = uart;
    }
    uefi->serial_out = out;
    uefi->serial_in = in;
    return true;
}

/* The firmware's own console keeps sending to its serial port, whatever the setting. */
static bool set_serial(struct platform *platform, uint32_t port, uint32_t speed)
{
    struct uefi *uefi = uefi_of(platform);

    if (port > UART_PORTS) {
        format(platform->error, sizeof platform->error, "there are COM1 to COM%u", UART_PORTS);
        return false;
    }
    if (port != 0 && !take_port(uefi, port, speed, platform->error)) {
        return false;
    }
    if (port == 0) {
        uart_drain(&uefi->uart);
        uefi->uart = (struct uart){0};
    }
    uefi->terminal = (struct terminal_keys){0};
    return true;
}

static uint64_t clock_seed(struct platform *platform)
{
    struct uefi *uefi = uefi_of(platform);
    EFI_TIME time = {0};
    UINT64 count = 0;

    uefi->table->RuntimeServices->GetTime(&time, NULL); /* if it fails, the counters remain */
    uefi->boot->GetNextMonotonicCount(&count);
    uint64_t date = (uint64_t)time.Year << 16 | (uint64_t)time.Month << 8 | time.Day;
    uint64_t of_day = (uint64_t)time.Hour << 48 | (uint64_t)time.Minute << 40 | (uint64_t)time.Second << 32;
    return seed_mix(seed_mix(seed_mix(date, of_day | time.Nanosecond), count), tsc_read());
}

static uint32_t other_processors(struct platform *platform)
{
    return processors_count(&uefi_of(platform)->processors);
}

static uint32_t start_processors(struct platform *platform, void (*work)(void *context, uint32_t index), void *context)
{
    return processors_start(&uefi_of(platform)->processors, work, context);
}

static bool reset_processor(struct platform *platform, uint32_t index)
{
    return processors_reset(&uefi_of(platform)->processors, index);
}

static void stop_processors(struct platform *platform)
{
    struct processors *processors = &uefi_of(platform)->processors;

    processors_stop(processors);
    processors_tell(processors, platform->processors_note, sizeof platform->processors_note);
}

static void reboot(struct platform *platform)
{
    EFI_RUNTIME_SERVICES *runtime = uefi_of(platform)->table->RuntimeServices;

    show(uefi_of(platform));
    runtime->ResetSystem(EfiResetCold, EFI_SUCCESS, 0, NULL);
    runtime->ResetSystem(EfiResetWarm, EFI_SUCCESS, 0, NULL);
}

static void power_off(struct platform *platform)
{
    show(uefi_of(platform));
    uefi_of(platform)->table->RuntimeServices->ResetSystem(EfiResetShutdown, EFI_SUCCESS, 0, NULL);
}

/* "EDK II 1.00": the name is truncated to fit beside the version. */
static void name_vendor(struct uefi *uefi)
{
    char name[sizeof uefi->vendor - 16];
    uint32_t revision = uefi->table->FirmwareRevision;

    if (uefi->table->FirmwareVendor == NULL) {
        return;
    }
    utf8_from_utf16(name, sizeof name, uefi->table->FirmwareVendor);
    format(uefi->vendor, sizeof uefi->vendor, "%s %u.%02u", name, revision >> 16, revision & 0xFFFF);
}

/* How the program was loaded; all zeros if the firmware does not tell. */
static EFI_LOADED_IMAGE_PROTOCOL loaded_image(EFI_BOOT_SERVICES *boot, EFI_HANDLE image)
{
    EFI_GUID guid = EFI_LOADED_IMAGE_PROTOCOL_GUID;
    void *loaded = NULL;

    if (EFI_ERROR(boot->HandleProtocol(image, &guid, &loaded)) || loaded == NULL) {
        return (EFI_LOADED_IMAGE_PROTOCOL){0};
    }
    return *(EFI_LOADED_IMAGE_PROTOCOL *)loaded;
}

/* The first line is written before anything else: on a machine that hangs, it shows how far it got. */
void uefi_greet(EFI_SYSTEM_TABLE *table)
{
    table->BootServices->SetWatchdogTimer(0, 0, 0, NULL);
    screen_greet(table, u"" GREETING);
}

/* Each part writes its word on the first line before it begins: on a machine that hangs, the last word names the
   part. */
static void show_stage(struct uefi *uefi, const char *word)
{
    screen_put(&uefi->screen, word, text_length(word));
    screen_flush(&uefi->screen);
    if (uefi->serial_out) {
        uart_put(&uefi->uart, word, text_length(word));
    }
}

/* Continues the first line, which the serial port gets in full, with what a debugger needs to load symbols. */
static void begin_console(struct uefi *uefi, const void *image_base)
{
    uint64_t base = (uintptr_t)image_base;
    char text[UART_ERROR_MAX];

    screen_open(&uefi->screen, uefi->table);
    colours_open(&uefi->colours, uefi->table);
    take_port(uefi, 1, UART_SPEED, text); /* a machine may have none */
    if (uefi->serial_out) {
        uart_put(&uefi->uart, GREETING, sizeof GREETING - 1);
    }
    if (base >> 32 != 0) {
        format(text, sizeof text, ", image at 0x%x%08x", (uint32_t)(base >> 32), (uint32_t)base);
    } else {
        format(text, sizeof text, ", image at 0x%x", (uint32_t)base);
    }
    show_stage(uefi, text);
}

void uefi_platform_begin(struct platform *platform, struct uefi *uefi, EFI_HANDLE image, EFI_SYSTEM_TABLE *table,
                         const void *image_base)
{
    *uefi = (struct uefi){.table = table, .boot = table->BootServices};
    const EFI_LOADED_IMAGE_PROTOCOL loaded = loaded_image(uefi->boot, image);
    begin_console(uefi, image_base);
    show_stage(uefi, ", keyboard");
    keyboard_open(&uefi->keyboard, table);
    show_stage(uefi, ", clock");
    clock_open(&uefi->clock, table);
    show_stage(uefi, ", volumes");
    files_begin(&uefi->files, uefi->boot, loaded.DeviceHandle, &uefi->clock);
    show_stage(uefi, "\n");
    processors_open(&uefi->processors, uefi->boot);
    name_vendor(uefi);
    *platform = (struct platform){
        .state = uefi,
        .firmware = "UEFI",
        .vendor = uefi->vendor,
        .columns = uefi->screen.columns,
        .preferred_read = FILES_READ_MAX,
        .command_line = load_options_read(&loaded, uefi->command_line) ? uefi->command_line : NULL,
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
        .power_off = power_off,
    };
}

void uefi_platform_end(struct uefi *uefi)
{
    processors_close(&uefi->processors);
    files_end(&uefi->files);
    colours_set(&uefi->colours, COLOUR_TEXT);
    screen_close(&uefi->screen);
}
