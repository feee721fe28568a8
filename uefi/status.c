#include "status.h"

#include "base/format.h"
#include "base/text.h"

/* Names of error codes 1, 2, ... end to end: an array of pointers would need a relocation each. */
static const char error_names[] =
    "LOAD_ERROR\0INVALID_PARAMETER\0UNSUPPORTED\0BAD_BUFFER_SIZE\0BUFFER_TOO_SMALL\0NOT_READY\0DEVICE_ERROR\0"
    "WRITE_PROTECTED\0OUT_OF_RESOURCES\0VOLUME_CORRUPTED\0VOLUME_FULL\0NO_MEDIA\0MEDIA_CHANGED\0NOT_FOUND\0"
    "ACCESS_DENIED\0NO_RESPONSE\0NO_MAPPING\0TIMEOUT\0NOT_STARTED\0ALREADY_STARTED\0ABORTED\0ICMP_ERROR\0TFTP_ERROR\0"
    "PROTOCOL_ERROR\0INCOMPATIBLE_VERSION\0SECURITY_VIOLATION\0CRC_ERROR\0END_OF_MEDIA\0\0\0END_OF_FILE\0"
    "INVALID_LANGUAGE\0COMPROMISED_DATA\0";

const char *status_name(char *out, EFI_STATUS status)
{
    const char *name = error_names;
    uint64_t code = status & ~EFI_ERROR_MASK;

    if (EFI_ERROR(status)) {
        for (uint64_t i = 1; i < code && name < error_names + sizeof error_names - 1; i++) {
            name += text_length(name) + 1;
        }
        if (code >= 1 && name < error_names + sizeof error_names - 1 && *name != 0) {
            format(out, STATUS_NAME_MAX, "EFI_%s", name);
            return out;
        }
    }
    format(out, STATUS_NAME_MAX, "EFI status 0x%x", (uint32_t)code);
    return out;
}
