#include "base/error.h"

#include "base/format.h"

int error_set(struct error *error, const char *pattern, ...)
{
    va_list arguments;
    va_start(arguments, pattern);
    format_list(error->text, sizeof error->text, pattern, arguments);
    va_end(arguments);
    return -1;
}
