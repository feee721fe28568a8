#include "base/model_part.h"

#include "base/format.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/text.h"

/* "-00001-of-00003.gguf": where its numbers are. */
enum {
    DIGITS = 5,
    NUMBER = 1,
    OF = NUMBER + DIGITS,
    COUNT = OF + 4,
    EXTENSION = COUNT + DIGITS,
    SUFFIX = EXTENSION + 5
};

/* Reads exactly DIGITS digits; 0 if there are others. */
static uint32_t read_number(const char *text)
{
    uint64_t value = 0;
    for (size_t i = 0; i < DIGITS; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return 0;
        }
    }
    number_parse_u64(text, DIGITS, &value);
    return (uint32_t)value;
}

bool model_part_of(const char *path, struct model_part *part)
{
    const size_t n = text_length(path);
    char of[COUNT - OF + 1] = "";
    if (n <= SUFFIX) {
        return false;
    }
    const char *suffix = path + n - SUFFIX;
    format(of, sizeof of, "%s", suffix + OF);
    *part = (struct model_part){read_number(suffix + NUMBER), read_number(suffix + COUNT), n - SUFFIX};
    return suffix[0] == '-' && text_equal_nocase(of, "-of-") && text_equal_nocase(suffix + EXTENSION, ".gguf") &&
           part->number >= 1 && part->number <= part->count && part->count <= MODEL_PARTS_MAX;
}

void model_part_set(char *path, uint32_t number)
{
    char digits[DIGITS + 1];
    format(digits, sizeof digits, "%05u", number);
    memcpy(path + text_length(path) - SUFFIX + NUMBER, digits, DIGITS);
}
