#include "gguf/split.h"

#include "base/text.h"

enum { NUMBER, COUNT, TENSORS, ALIGNMENT, KEYS };

static const char names[KEYS][20] = {"split.no", "split.count", "split.tensors.count", "general.alignment"};

int gguf_check_split(struct gguf_input *in, const struct gguf_split *split)
{
    struct model_part part;
    if (split->number > 0) {
        return gguf_refuse(in, names[NUMBER],
                           "is %u: this is part %u of a model, which begins with part 1; copy all of "
                           "its parts there",
                           split->number, split->number + 1);
    }
    if (split->count <= 1) {
        return 0;
    }
    if (split->count > MODEL_PARTS_MAX) {
        return gguf_refuse(in, names[COUNT], "is %u; at most %u parts are supported", split->count,
                           (uint32_t)MODEL_PARTS_MAX);
    }
    if (!split->has_tensors) {
        return gguf_refuse(in, names[TENSORS], "is missing");
    }
    if (!model_part_of(in->reader->path, &part) || part.number != 1 || part.count != split->count ||
        text_length(in->reader->path) >= sizeof in->reader->part_path) {
        return gguf_refuse(in, names[COUNT],
                           "is %u, but the file's name does not end in -00001-of-%05u.gguf: give all "
                           "parts the names that they had",
                           split->count, split->count);
    }
    return 0;
}

/* Reads the key-value pairs; a key that is not one of `names` belongs to the first part and is skipped. */
static int read_keys(struct gguf_input *in, uint64_t count, uint32_t value[KEYS], bool seen[KEYS])
{
    for (; count > 0; count--) {
        struct gguf_name name;
        uint32_t type, key = 0;
        if (gguf_get_name(in, &name, GGUF_KEY_MAX) != 0 || gguf_get_type(in, name.text, &type) != 0) {
            return -1;
        }
        while (key < KEYS && !(name.length == text_length(names[key]) && text_equal(name.text, names[key]))) {
            key++;
        }
        if (key < KEYS && seen[key]) {
            return gguf_refuse(in, name.text, "appears twice");
        }
        if ((key < KEYS ? gguf_get_number(in, name.text, type, &value[key]) : gguf_skip_value(in, name.text, type)) !=
            0) {
            return -1;
        }
        if (key < KEYS) {
            seen[key] = true;
        }
    }
    return 0;
}

int gguf_read_part_keys(struct gguf_input *in, uint64_t count, const struct gguf_split *first, uint32_t number)
{
    const uint32_t wanted[] = {[NUMBER] = number, [COUNT] = first->count, [TENSORS] = first->tensors};
    uint32_t value[KEYS] = {[ALIGNMENT] = GGUF_ALIGNMENT};
    bool seen[KEYS] = {false};
    if (read_keys(in, count, value, seen) != 0) {
        return -1;
    }
    for (uint32_t key = NUMBER; key <= TENSORS; key++) {
        if (!seen[key]) {
            return gguf_refuse(in, names[key], "is missing: this is not part %u of that model", number + 1);
        }
        if (value[key] != wanted[key]) {
            return gguf_refuse(in, names[key], "is %u instead of %u: this is not part %u of that model", value[key],
                               wanted[key], number + 1);
        }
    }
    return gguf_take_alignment(in, value[ALIGNMENT]);
}
