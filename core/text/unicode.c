/* Classes of characters (unicode.h): a binary search finds the range of a code point. */
#include "text/unicode.h"

enum { CODE_POINTS = 0x110000, CLASS_BITS = 3 };

enum unicode_class unicode_class(uint32_t code_point)
{
    uint32_t low = 0, high = unicode_range_count; /* the range is in [low, high) */
    if (code_point >= CODE_POINTS) {
        return UNICODE_OTHER;
    }
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (unicode_ranges[middle] >> CLASS_BITS <= code_point) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return (enum unicode_class)(unicode_ranges[low] & ((1u << CLASS_BITS) - 1));
}
