#include "console_path.h"

enum { ACPI_UID_OFFSET = 8, ACPI_NODE_MIN = 12 }; /* bytes in an ACPI node of either kind */

/* How one kind of console is found. */
struct console_kind {
    EFI_HANDLE handle;      /* the console that the system table names */
    EFI_GUID tag;           /* protocol on every device of this console (edk2 and derivatives) */
    const CHAR16 *variable; /* global variable with the device paths of this console */
};

/* The number of the serial port with a UART under this parent node, which may be NULL. 0: it is not on the
   mainboard. */
static uint32_t port_of(const EFI_DEVICE_PATH_PROTOCOL *parent)
{
    if (parent != NULL && parent->Type == ACPI_DEVICE_PATH && DevicePathNodeLength(parent) >= ACPI_NODE_MIN) {
        return ((const uint8_t *)parent)[ACPI_UID_OFFSET] + 1u; /* PNP0501 with _UID 0 is the first */
    }
    return parent != NULL && parent->Type == HARDWARE_DEVICE_PATH && parent->SubType == HW_PCI_DP ? 0 : 1;
}

bool console_path_names_serial(struct device_path path, uint32_t number)
{
    const EFI_DEVICE_PATH_PROTOCOL *parent = NULL, *node = device_path_next(&path);

    for (; node != NULL; node = device_path_next(&path)) {
        if (node->Type == MESSAGING_DEVICE_PATH && node->SubType == MSG_UART_DP && port_of(parent) == number) {
            return true;
        }
        parent = IsDevicePathEndType(node) ? NULL : node;
    }
    return false;
}

/* Checks the devices tagged as parts of the console. Returns whether there were any; *found receives the result. */
static bool ask_devices(EFI_BOOT_SERVICES *boot, const struct console_kind *kind, uint32_t number, bool *found)
{
    EFI_GUID tag = kind->tag;
    EFI_HANDLE *handles = NULL;
    UINTN count = 0;
    bool any = false;

    if (EFI_ERROR(boot->LocateHandleBuffer(ByProtocol, &tag, NULL, &count, &handles))) {
        return false;
    }
    for (UINTN i = 0; i < count; i++) {
        struct device_path path = device_path_of(boot, handles[i]);
        any = any || path.at != NULL; /* the virtual console that joins the devices has none */
        *found = *found || console_path_names_serial(path, number);
    }
    boot->FreePool(handles);
    return any;
}

/* The same by the global variable. Returns whether it exists. */
static bool ask_variable(EFI_SYSTEM_TABLE *table, const struct console_kind *kind, uint32_t number, bool *found)
{
    EFI_GUID global = EFI_GLOBAL_VARIABLE;
    uint8_t value[DEVICE_PATH_MAX];
    UINTN size = sizeof value;

    if (EFI_ERROR(table->RuntimeServices->GetVariable((CHAR16 *)kind->variable, &global, NULL, &size, value)) ||
        size > sizeof value) {
        return false;
    }
    *found = console_path_names_serial(device_path_in(value, size), number);
    return true;
}

/* Checks the console's own handle, if it is the device itself; then the devices tagged as parts of it; then the
   variable. A console unknown to all three (U-Boot's) counts as one on the first port: text sent twice is worse than an
   unused port. */
static bool has_serial(EFI_SYSTEM_TABLE *table, const struct console_kind *kind, uint32_t number)
{
    bool found = false;

    if (console_path_names_serial(device_path_of(table->BootServices, kind->handle), number)) {
        return true;
    }
    if (ask_devices(table->BootServices, kind, number, &found) || ask_variable(table, kind, number, &found)) {
        return found;
    }
    return number == 1;
}

bool console_path_out_has_serial(EFI_SYSTEM_TABLE *table, uint32_t number)
{
    const struct console_kind kind = {table->ConsoleOutHandle, CONSOLE_OUT_DEVICE_TAG, u"ConOut"};

    return table->ConOut != NULL && has_serial(table, &kind, number);
}

bool console_path_in_has_serial(EFI_SYSTEM_TABLE *table, uint32_t number)
{
    static const EFI_GUID tag = {0xd3b36f2b, 0xd551, 0x11d4, {0x9a, 0x46, 0x00, 0x90, 0x27, 0x3f, 0xc1, 0x4d}};
    const struct console_kind kind = {table->ConsoleInHandle, tag, u"ConIn"};

    return (table->ConIn != NULL || table->ConsoleInHandle != NULL) && has_serial(table, &kind, number);
}
