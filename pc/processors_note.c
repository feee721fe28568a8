#include "pc/processors_note.h"

#include "base/format.h"

void processors_note(char *out, size_t size, uint32_t lacking, uint32_t silent)
{
    size_t n = 0;

    out[0] = 0;
    if (lacking > 0) {
        n = format(out, size, "%u left out: instructions missing", lacking);
    }
    if (silent > 0) {
        format(out + n, size - n, "%s%u left out: no answer", n > 0 ? ", " : "", silent);
    }
}
