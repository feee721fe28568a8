#include "session/rope_text.h"

#include "base/format.h"

/* A number of 0 or more with a tenth, which is left out if it is 0; 2 billion for larger ones. */
struct decimal {
    char text[16];
};

static struct decimal decimal(float value)
{
    struct decimal result;
    const uint32_t whole = value < 2e9f ? (uint32_t)(int32_t)value : 2000000000u;
    const uint32_t tenth = value < 1e6f ? (uint32_t)(int32_t)((value - (float)(int32_t)whole) * 10.0f) : 0;
    format(result.text, sizeof result.text, tenth > 0 ? "%u.%u" : "%u", whole, tenth);
    return result;
}

void rope_text(char out[ROPE_TEXT_MAX], const struct gguf *gguf)
{
    size_t used = format(out, ROPE_TEXT_MAX, "%u of %u dimensions, base %s", gguf->rope_size, gguf->head_size,
                         decimal(gguf->rope_base).text);
    if (gguf->rope_yarn) {
        used += format(out + used, ROPE_TEXT_MAX - used, ", YaRN scaling by %s from %u positions",
                       decimal(gguf->rope_factor).text, gguf->rope_original);
    } else if (gguf->rope_factor != 1.0f) {
        used += format(out + used, ROPE_TEXT_MAX - used, ", linear scaling by %s", decimal(gguf->rope_factor).text);
    }
    if (gguf->tensor[GGUF_TENSOR_ROPE_FREQS].type != GGUF_TYPE_ABSENT) {
        used += format(out + used, ROPE_TEXT_MAX - used, ", rope_freqs");
    }
    if (gguf->window > 0) {
        used += format(out + used, ROPE_TEXT_MAX - used, "; base %s in windows of %u positions",
                       decimal(gguf->rope_window_base).text, gguf->window);
    }
    if (gguf->window > 0 && gguf->window_period > 0) {
        format(out + used, ROPE_TEXT_MAX - used, ", %u of %u layers", gguf->window_period - 1, gguf->window_period);
    }
}
