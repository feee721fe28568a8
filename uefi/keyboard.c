#include "keyboard.h"

#include <stdbool.h>

#include "connect.h"
#include "device_path.h"
#include "platform.h"

enum {
    CONTROL_PRESSED = EFI_LEFT_CONTROL_PRESSED | EFI_RIGHT_CONTROL_PRESSED,
    ALT_PRESSED = EFI_LEFT_ALT_PRESSED | EFI_RIGHT_ALT_PRESSED, /* with control: AltGr, which makes characters */
};

/* Whether there is a key device other than a serial terminal. The virtual console of all devices has no path. */
static bool is_connected(EFI_BOOT_SERVICES *boot)
{
    EFI_GUID guid = EFI_SIMPLE_TEXT_INPUT_PROTOCOL_GUID;
    EFI_HANDLE *handles = NULL;
    UINTN count = 0;
    bool found = false;

    if (EFI_ERROR(boot->LocateHandleBuffer(ByProtocol, &guid, NULL, &count, &handles))) {
        return false;
    }
    for (UINTN i = 0; i < count; i++) {
        struct device_path path = device_path_of(boot, handles[i]);
        found = found || (path.at != NULL && !device_path_has(path, MESSAGING_DEVICE_PATH, MSG_UART_DP));
    }
    boot->FreePool(handles);
    return found;
}

void keyboard_open(struct keyboard *keyboard, EFI_SYSTEM_TABLE *table)
{
    EFI_GUID guid = EFI_SIMPLE_TEXT_INPUT_EX_PROTOCOL_GUID;
    void *extended = NULL;

    *keyboard = (struct keyboard){.boot = table->BootServices};
    if (!is_connected(table->BootServices)) {
        connect_keyboards(table->BootServices);
    }
    if (table->ConsoleInHandle != NULL &&
        !EFI_ERROR(table->BootServices->HandleProtocol(table->ConsoleInHandle, &guid, &extended))) {
        keyboard->extended = extended;
    }
    if (keyboard->extended == NULL || keyboard->extended->WaitForKeyEx == NULL) {
        keyboard->extended = NULL;
        keyboard->simple = table->ConIn;
    }
}

static int from_scan_code(uint16_t scan)
{
    switch (scan) {
    case SCAN_UP:
        return KEY_UP;
    case SCAN_DOWN:
        return KEY_DOWN;
    case SCAN_LEFT:
        return KEY_LEFT;
    case SCAN_RIGHT:
        return KEY_RIGHT;
    case SCAN_HOME:
        return KEY_HOME;
    case SCAN_END:
        return KEY_END;
    case SCAN_DELETE:
        return KEY_DELETE;
    case SCAN_ESC:
        return 0x1B;
    default:
        return KEY_NONE; /* function keys, or a shift key alone */
    }
}

static int from_character(uint16_t character)
{
    switch (character) {
    case '\n':
        return '\r';
    case 0x7F:
        return '\b'; /* Backspace of most serial terminals */
    default:
        return character < 0xD800 || character > 0xDFFF ? character : KEY_NONE;
    }
}

static int from_input_key(const EFI_INPUT_KEY *key)
{
    return key->UnicodeChar != 0 ? from_character(key->UnicodeChar) : from_scan_code(key->ScanCode);
}

/* The extended interface reports Ctrl-C as the letter with a shift state; a serial terminal sends 03h. */
static int from_extended_key(const EFI_KEY_DATA *data)
{
    uint32_t shifts = (data->KeyState.KeyShiftState & EFI_SHIFT_STATE_VALID) != 0 ? data->KeyState.KeyShiftState : 0;
    uint16_t letter = data->Key.UnicodeChar | 0x20;

    if ((shifts & CONTROL_PRESSED) != 0 && (shifts & ALT_PRESSED) == 0 && letter >= 'a' && letter <= 'z') {
        return letter & 0x1F;
    }
    return from_input_key(&data->Key);
}

/* Reading is safe and fast only after the event has signalled a key. */
int keyboard_get(struct keyboard *keyboard)
{
    if (keyboard->extended != NULL) {
        EFI_KEY_DATA data = {{0, 0}, {0, 0}};
        if (keyboard->boot->CheckEvent(keyboard->extended->WaitForKeyEx) == EFI_SUCCESS &&
            keyboard->extended->ReadKeyStrokeEx(keyboard->extended, &data) == EFI_SUCCESS) {
            return from_extended_key(&data);
        }
    } else if (keyboard->simple != NULL) {
        EFI_INPUT_KEY key = {0, 0};
        if (keyboard->boot->CheckEvent(keyboard->simple->WaitForKey) == EFI_SUCCESS &&
            keyboard->simple->ReadKeyStroke(keyboard->simple, &key) == EFI_SUCCESS) {
            return from_input_key(&key);
        }
    }
    return KEY_NONE;
}

/* The timer ends the wait even without a key event: some consoles have none. */
void keyboard_rest(struct keyboard *keyboard, uint64_t microseconds)
{
    EFI_BOOT_SERVICES *boot = keyboard->boot;
    EFI_EVENT timer, key = keyboard->extended != NULL ? keyboard->extended->WaitForKeyEx
                           : keyboard->simple != NULL ? keyboard->simple->WaitForKey
                                                      : NULL;
    if (boot->CreateEvent(EVT_TIMER, 0, NULL, NULL, &timer) != EFI_SUCCESS) {
        boot->Stall(microseconds);
        return;
    }
    EFI_EVENT events[] = {timer, key};
    UINTN index;
    if (boot->SetTimer(timer, TimerRelative, microseconds * 10) == EFI_SUCCESS) {
        boot->WaitForEvent(key != NULL ? 2 : 1, events, &index);
    }
    boot->CloseEvent(timer);
}
