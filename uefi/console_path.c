#include "console_path.h"

enum { ACPI_UID_OFFSET = 8, ACPI_NODE_MIN = 12 }; /* bytes in an ACPI node of either kind */

/* What one kind of console goes by. */
struct console {
    EFI_HANDLE handle;      /* the console that the system table names */
    EFI_GUID tag;           /* protocol on every device that takes part in it (edk2 and what derives from it) */
    const CHAR16 *variable; /* global variable with the device paths that should take part */
};

/* Whether a UART whose parent node is `parent`, or NULL, is a port other than the first. */
static bool parent_is_other_port(const EFI_DEVICE_PATH_PROTOCOL *parent)
{
    if (parent == NULL) {
        return false;
    }
    if (parent->Type == ACPI_DEVICE_PATH && DevicePathNodeLength(parent) >= ACPI_NODE_MIN) {
        return ((const uint8_t *)parent)[ACPI_UID_OFFSET] != 0; /* PNP0501 with _UID 0 is the first */
    }
    return parent->Type == HARDWARE_DEVICE_PATH && parent->SubType == HW_PCI_DP; /* a serial card */
}

bool device_path_has_com1(struct device_path path)
{
    const EFI_DEVICE_PATH_PROTOCOL *parent = NULL, *node = device_path_next(&path);

    for (; node != NULL; node = device_path_next(&path)) {
        if (node->Type == MESSAGING_DEVICE_PATH && node->SubType == MSG_UART_DP && !parent_is_other_port(parent)) {
            return true;
        }
        parent = IsDevicePathEndType(node) ? NULL : node;
    }
    return false;
}

/* Looks at the devices tagged as parts of the console. Returns whether there were any; *found says what they are. */
static bool ask_devices(EFI_BOOT_SERVICES *boot, const struct console *console, bool *found)
{
    EFI_GUID tag = console->tag;
    EFI_HANDLE *handles = NULL;
    UINTN count = 0;
    bool any = false;

    if (EFI_ERROR(boot->LocateHandleBuffer(ByProtocol, &tag, NULL, &count, &handles))) {
        return false;
    }
    for (UINTN i = 0; i < count; i++) {
        struct device_path path = device_path_of(boot, handles[i]);
        any = any || path.at != NULL; /* the virtual console that joins the devices has none */
        *found = *found || device_path_has_com1(path);
    }
    boot->FreePool(handles);
    return any;
}

/* The same by the global variable. Returns whether it exists. */
static bool ask_variable(EFI_SYSTEM_TABLE *table, const struct console *console, bool *found)
{
    EFI_GUID global = EFI_GLOBAL_VARIABLE;
    uint8_t value[DEVICE_PATH_MAX];
    UINTN size = sizeof value;

    if (EFI_ERROR(table->RuntimeServices->GetVariable((CHAR16 *)console->variable, &global, NULL, &size, value)) ||
        size > sizeof value) {
        return false;
    }
    *found = device_path_has_com1(device_path_in(value, size));
    return true;
}

/* Asks the console's own handle, where it is the device itself; then the devices tagged as parts of it; then the
   variable. A console of which nothing is known (U-Boot's) counts as one on the port: text twice is worse than a port
   left alone. */
static bool has_com1(EFI_SYSTEM_TABLE *table, const struct console *console)
{
    bool found = false;

    if (device_path_has_com1(device_path_of(table->BootServices, console->handle))) {
        return true;
    }
    return ask_devices(table->BootServices, console, &found) || ask_variable(table, console, &found) ? found : true;
}

bool console_output_has_com1(EFI_SYSTEM_TABLE *table)
{
    static const EFI_GUID tag = {0xd3b36f2c, 0xd551, 0x11d4, {0x9a, 0x46, 0x00, 0x90, 0x27, 0x3f, 0xc1, 0x4d}};
    const struct console console = {table->ConsoleOutHandle, tag, u"ConOut"};

    return table->ConOut != NULL && has_com1(table, &console);
}

bool console_input_has_com1(EFI_SYSTEM_TABLE *table)
{
    static const EFI_GUID tag = {0xd3b36f2b, 0xd551, 0x11d4, {0x9a, 0x46, 0x00, 0x90, 0x27, 0x3f, 0xc1, 0x4d}};
    const struct console console = {table->ConsoleInHandle, tag, u"ConIn"};

    return (table->ConIn != NULL || table->ConsoleInHandle != NULL) && has_com1(table, &console);
}
