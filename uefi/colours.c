/*
 * edk2's console splitter passes a colour on to all devices behind ConOut, and its serial terminal sends each as an
 * escape sequence. Setting it on one device does not help: the splitter sets its own again with every text. So colours
 * are used only if the path of each device has neither a serial port nor a terminal in it.
 */
#include "colours.h"

#include "console_path.h"
#include "device_path.h"

enum { BACKGROUND = 0x70 }; /* in an attribute */

/* Whether the path begins with a vendor's own hardware node: U-Boot's console, on whatever devices it may be. */
static bool is_unknown(struct device_path path)
{
    const EFI_DEVICE_PATH_PROTOCOL *first = device_path_next(&path);

    return first != NULL && first->Type == HARDWARE_DEVICE_PATH && first->SubType == HW_VENDOR_DP;
}

/* A terminal is a vendor's messaging node: PC-ANSI, VT100, VT-UTF8 ... */
static bool is_screen(EFI_BOOT_SERVICES *boot, EFI_HANDLE handle)
{
    struct device_path path = device_path_of(boot, handle);

    return path.at != NULL && !is_unknown(path) && !device_path_has(path, MESSAGING_DEVICE_PATH, MSG_UART_DP) &&
           !device_path_has(path, MESSAGING_DEVICE_PATH, MSG_VENDOR_DP);
}

/* The virtual console that joins the devices may be tagged like them; it has no device path. */
static bool all_are_screens(EFI_BOOT_SERVICES *boot, const EFI_HANDLE *handles, UINTN count)
{
    UINTN screens = 0, others = 0;

    for (UINTN i = 0; i < count; i++) {
        bool named = device_path_of(boot, handles[i]).at != NULL;
        screens += is_screen(boot, handles[i]);
        others += named && !is_screen(boot, handles[i]);
    }
    return screens > 0 && others == 0;
}

void colours_open(struct colours *colours, EFI_SYSTEM_TABLE *table)
{
    EFI_BOOT_SERVICES *boot = table->BootServices;
    EFI_GUID tag = CONSOLE_OUT_DEVICE_TAG;
    EFI_HANDLE *handles = NULL;
    UINTN count = 0;
    bool usable;

    *colours = (struct colours){.out = NULL};
    if (table->ConOut == NULL || table->ConOut->Mode == NULL) {
        return;
    }
    if (EFI_ERROR(boot->LocateHandleBuffer(ByProtocol, &tag, NULL, &count, &handles))) {
        usable = table->ConsoleOutHandle != NULL && is_screen(boot, table->ConsoleOutHandle);
    } else {
        usable = all_are_screens(boot, handles, count);
        boot->FreePool(handles);
    }
    colours->console = table->ConOut;
    colours->out = usable ? table->ConOut : NULL;
    colours->before = (UINTN)table->ConOut->Mode->Attribute;
}

void colours_set(struct colours *colours, enum platform_colour colour)
{
    static const uint8_t foregrounds[] = {[COLOUR_NOTE] = EFI_CYAN,
                                          [COLOUR_ACCENT] = EFI_WHITE,
                                          [COLOUR_ERROR] = EFI_LIGHTRED,
                                          [COLOUR_THOUGHT] = EFI_DARKGRAY};
    bool both = colours->thinking || colour == COLOUR_THOUGHT;
    EFI_SIMPLE_TEXT_OUT_PROTOCOL *out = both ? colours->console : colours->out;

    colours->thinking = colour == COLOUR_THOUGHT;
    if (out != NULL) {
        UINTN background = colours->before & BACKGROUND;
        bool plain = colour == COLOUR_TEXT || (colours->out == NULL && colour != COLOUR_THOUGHT);
        out->SetAttribute(out, plain ? colours->before : background | foregrounds[colour]);
    }
}
