#include "load_options.h"

#include "base/memory.h"
#include "unicode.h"

/* Whether the units are text up to a NUL or the end, with a '=' in it. */
static bool is_settings(const CHAR16 *units)
{
    bool sets = false;
    for (; *units != 0; units++) {
        if (*units < ' ' && *units != '\t' && *units != '\r' && *units != '\n') {
            return false;
        }
        sets = sets || *units == '=';
    }
    return sets;
}

/* What follows the first word if that is the program's name: a setting has a '='. The UEFI Shell leaves the quotes
   around a path with blanks. */
static const CHAR16 *without_name(const CHAR16 *units)
{
    const CHAR16 *end = units;
    bool quoted = false;
    while (*end > ' ' || (quoted && *end != 0)) {
        quoted ^= *end == '"';
        if (*end++ == '=') {
            return units;
        }
    }
    return end;
}

bool load_options_read(const EFI_LOADED_IMAGE_PROTOCOL *image, char *out)
{
    CHAR16 units[LOAD_OPTIONS_MAX];
    const size_t most = sizeof units - sizeof units[0], n = image->LoadOptionsSize;
    out[0] = 0;
    if (image->LoadOptions == NULL || n % sizeof units[0] != 0) {
        return false;
    }
    memset(units, 0, sizeof units);
    memcpy(units, image->LoadOptions, n < most ? n : most);
    if (!is_settings(units)) {
        return false;
    }
    utf8_from_utf16(out, LOAD_OPTIONS_MAX, without_name(units));
    return true;
}
