#include "screen.h"

#include "base/utf8.h"
#include "unicode.h"

enum {
    COLUMNS_MAX = 999,    /* some firmware reports 0 and negative sizes */
    COLUMNS_DEFAULT = 80, /* mode 0 of every console is 80 x 25 */
};

/* EFI_CONSOLE_CONTROL_PROTOCOL of Intel's sample implementation, which the specification never took over: Apple's
   firmware and other of EFI 1.10. */
enum console_mode { MODE_TEXT, MODE_GRAPHICS };

struct console_control {
    EFI_STATUS(EFIAPI *get_mode)(struct console_control *, enum console_mode *, BOOLEAN *has_graphics, BOOLEAN *locked);
    EFI_STATUS(EFIAPI *set_mode)(struct console_control *, enum console_mode);
};

static uint32_t query_columns(EFI_SIMPLE_TEXT_OUT_PROTOCOL *out)
{
    UINTN columns = 0, rows = 0;

    if (out->Mode == NULL || out->Mode->Mode < 0 ||
        EFI_ERROR(out->QueryMode(out, (UINTN)out->Mode->Mode, &columns, &rows)) || columns < 1 ||
        columns > COLUMNS_MAX) {
        return COLUMNS_DEFAULT;
    }
    return (uint32_t)columns;
}

void screen_say(EFI_SYSTEM_TABLE *table, const CHAR16 *text)
{
    if (table->ConOut != NULL) {
        table->ConOut->OutputString(table->ConOut, (CHAR16 *)text);
    }
}

/* Switches a screen from graphics, which hide text, to text. */
static void show_text(EFI_BOOT_SERVICES *boot)
{
    EFI_GUID guid = {0xF42F7782, 0x012E, 0x4C12, {0x99, 0x56, 0x49, 0xF9, 0x43, 0x04, 0xF7, 0x21}};
    enum console_mode mode = MODE_TEXT;
    void *found = NULL;

    if (EFI_ERROR(boot->LocateProtocol(&guid, NULL, &found)) || found == NULL) {
        return;
    }
    struct console_control *control = found;
    if (!EFI_ERROR(control->get_mode(control, &mode, NULL, NULL)) && mode != MODE_TEXT) {
        control->set_mode(control, MODE_TEXT);
    }
}

void screen_greet(EFI_SYSTEM_TABLE *table, const CHAR16 *text)
{
    if (table->ConOut != NULL) {
        show_text(table->BootServices);
        table->ConOut->ClearScreen(table->ConOut);
    }
    screen_say(table, text);
}

void screen_open(struct screen *screen, EFI_SYSTEM_TABLE *table)
{
    *screen = (struct screen){.out = table->ConOut};
    if (screen->out == NULL) {
        return;
    }
    font_open(&screen->font, table->BootServices);
    screen->columns = query_columns(screen->out);
    screen->cursor_was_visible = screen->out->Mode == NULL || screen->out->Mode->CursorVisible;
    screen->out->EnableCursor(screen->out, TRUE);
}

void screen_close(struct screen *screen)
{
    screen_flush(screen);
    if (screen->out != NULL && !screen->cursor_was_visible) {
        screen->out->EnableCursor(screen->out, FALSE);
    }
}

void screen_flush(struct screen *screen)
{
    if (screen->gathered > 0) {
        screen->text[screen->gathered] = 0;
        screen->out->OutputString(screen->out, screen->text);
        screen->gathered = 0;
    }
}

static void append(struct screen *screen, CHAR16 character)
{
    if (screen->gathered == SCREEN_CHUNK_MAX) {
        screen_flush(screen);
    }
    screen->text[screen->gathered++] = character;
}

/* Every console has ASCII; other characters count only if all devices behind the console support them, and the font. */
static CHAR16 showable(struct screen *screen, uint32_t code)
{
    CHAR16 text[2] = {(CHAR16)code, 0};

    if (code < 0x20 || (code >= 0x7F && code < 0xA0) || code > 0xFFFF) {
        return '?';
    }
    if (code >= 0x80 &&
        (screen->out->TestString(screen->out, text) != EFI_SUCCESS || !font_has(&screen->font, text[0]))) {
        return '?';
    }
    return text[0];
}

/* A '?' for each column of the character, because that many steps go back over it. */
static void append_character(struct screen *screen, uint32_t code)
{
    CHAR16 character = showable(screen, code);
    uint32_t times = character == code ? 1 : utf8_columns(code);

    for (; times > 0; times--) {
        append(screen, character);
    }
}

void screen_put(struct screen *screen, const char *utf8, size_t n)
{
    const char *end = utf8 + n;

    while (screen->out != NULL && utf8 < end) {
        uint32_t code = utf8_next(&utf8, end);
        if (code == '\n') {
            append(screen, '\r');
        }
        if (code == '\n' || code == '\b') {
            append(screen, (CHAR16)code);
        } else {
            append_character(screen, code);
        }
    }
}
