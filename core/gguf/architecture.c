/* The table of architectures (architecture.h). */
#include "gguf/architecture.h"

#include "base/format.h"
#include "base/text.h"

static const struct gguf_architecture known[] = {
    {.name = "llama", .rope_freqs = true},
    {.name = "qwen2", .rope_halves = true, .biases = true},
    {.name = "qwen3", .rope_halves = true, .head_norms = true},
    {.name = "gemma3",
     .rope_halves = true,
     .head_norms = true,
     .post_norms = true,
     .gelu = true,
     .scaled_embedding = true,
     .window_period = 6,
     .wide_layers = 62}, /* the one of 27 billion parameters */
};
enum { KNOWN = sizeof known / sizeof known[0] };

const struct gguf_architecture *gguf_find_architecture(const char *name)
{
    for (size_t i = 0; i < KNOWN; i++) {
        if (text_equal(known[i].name, name)) {
            return &known[i];
        }
    }
    return NULL;
}

void gguf_list_architectures(char *out, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; i < KNOWN; i++) {
        const char *before = i == 0 ? "" : i + 1 < KNOWN ? ", " : " and ";
        used += format(out + used, size - used, "%s\"%s\"", before, known[i].name);
    }
}
