#include "session/banner.h"

#include "base/format.h"
#include "gguf/blocks.h"
#include "session/figure.h"
#include "session/rope_text.h"

/* How much faster the chosen kernel is than the fastest of the others, "" without a race. */
static struct figure race_lead(const struct models *models)
{
    const struct race *race = &models->engine.race;
    struct figure lead = {""};
    uint32_t own = 0, other = 0, second = 0;
    for (uint32_t i = 0; i < KERNELS; i++) {
        if (kernel_at(i) == models->kernel) {
            own = race->ns[i];
        } else if (race->ns[i] > 0 && (other == 0 || race->ns[i] <= other)) {
            other = race->ns[i];
            second = i;
        }
    }
    if (own > 0 && other > 0) {
        const uint32_t tenths = (uint32_t)((other * 10ull + own / 2) / own);
        format(lead.text, sizeof lead.text, "%u.%u x %s here", tenths / 10, tenths % 10, kernel_at(second)->name);
    }
    return lead;
}

void banner_kernel(struct output *output, const struct models *models)
{
    const uint32_t set = models->config->kernel;
    const struct figure lead = race_lead(models);
    const char *why = set != KERNEL_AUTO && models->kernel == kernel_at(set - 1) ? "as /set kernel says"
                      : lead.text[0] != 0                                        ? lead.text
                      : models->kernel == &kernel_scalar                         ? "this CPU has no SSE2"
                                                                                 : "the widest that this CPU has";
    output_say(output, COLOUR_TEXT, "Kernel: %s, %s%s\n", models->kernel->name, why,
               models->cpu.avx2_off ? "; AVX cannot be switched on here" : "");
}

void banner_machine(struct output *output, const struct models *models)
{
    struct platform *platform = output->platform;
    const bool vendor = platform->vendor[0] != 0;
    output_say(output, COLOUR_ACCENT, "bootllama %s on %s%s%s%s\n", BOOTLLAMA_VERSION, platform->firmware,
               vendor ? " (" : "", platform->vendor, vendor ? ")" : "");
    output_say(output, COLOUR_TEXT, "CPU: %s\n", models->cpu.name);
    const bool note = platform->processors_note[0] != 0;
    output_say(output, COLOUR_TEXT, "Processors: %u%s%s\nMemory: %u MiB free\n", team_processors(&models->team),
               note ? ", " : "", platform->processors_note, (uint32_t)(platform->memory_free(platform) >> 20));
}

/* As the file states it; otherwise counted, padding included. */
static struct figure parameters_text(const struct gguf *gguf)
{
    struct figure out;
    const uint32_t thousands = (uint32_t)((gguf->parameters + 500) / 1000u);
    if (gguf->size_label[0] != 0) {
        format(out.text, sizeof out.text, "%s", gguf->size_label);
    } else if (thousands < 1000) {
        format(out.text, sizeof out.text, "%uK", thousands);
    } else if (thousands < 1000000) {
        format(out.text, sizeof out.text, "%u.%uM", thousands / 1000, thousands / 100 % 10);
    } else {
        format(out.text, sizeof out.text, "%u.%uB", thousands / 1000000, thousands / 100000 % 10);
    }
    return out;
}

void banner_model(struct output *output, const struct models *models, bool chats)
{
    const struct engine *engine = &models->engine;
    char shortened[48] = "";
    if (engine->context < engine->gguf.context) {
        format(shortened, sizeof shortened, " of %u, %s", engine->gguf.context,
               engine->context < engine->context_asked ? "for lack of memory" : "as /set context says");
    }
    const uint32_t processors = models->team.chosen;
    banner_kernel(output, models);
    output_say(output, COLOUR_TEXT,
               "Model: %s, %s parameters, context %u%s%s\nSize: %s in the file, %s in memory, %u processor%s\n",
               engine->gguf.name[0] != 0 ? engine->gguf.name : "unnamed", parameters_text(&engine->gguf).text,
               engine->context, shortened, chats ? ", chat" : "", figure_size(engine->gguf.bytes).text,
               figure_size(engine->memory_bytes).text, processors, processors == 1 ? " computes" : "s compute");
}

void banner_unknown_chat(struct output *output)
{
    output_say(output, COLOUR_NOTE,
               "This model's chat template is of an unknown kind, so it tells stories; chat_prefix, chat_suffix and "
               "chat_stop make it chat.\n");
}

/* The kind of file by the name that people choose it by, what its matrices are in fact, and what becomes of them. */
static void say_kind(struct output *output, const struct gguf *gguf)
{
    uint32_t count[GGUF_TYPE_ABSENT] = {0}, four_bits = 0, six_bits = 0, int8 = 0, exact = 0;
    char types[200] = "", matrices[64] = "matrices", kept[64] = "";
    size_t used = 0;
    const char *kind = gguf_kind_name(gguf->file_type);
    for (uint32_t id = 0; id < gguf->tensor_count; id++) {
        const struct gguf_tensor *tensor = &gguf->tensor[id];
        if (tensor->type != GGUF_TYPE_ABSENT && tensor->rows > 1) {
            const enum narrow_kind narrow = blocks_narrow_kind(tensor->type);
            count[tensor->type]++;
            six_bits += narrow == Q6_FACTORS;
            four_bits += narrow != NARROW_NONE && narrow != Q6_FACTORS;
            int8 += narrow == NARROW_NONE;
            exact += narrow == NARROW_NONE && blocks_are_kept(tensor->type);
        }
    }
    for (uint32_t type = 0; type < GGUF_TYPE_ABSENT; type++) {
        if (count[type] > 0) {
            used += format(types + used, sizeof types - used, "%s%u" WRAP_TIE "%s", used > 0 ? ", " : "", count[type],
                           gguf_type_name(type));
        }
    }
    if (four_bits + six_bits > 0) {
        format(matrices, sizeof matrices, "%u matrices in the file's %s bits%s", four_bits + six_bits,
               six_bits == 0    ? "four"
               : four_bits == 0 ? "six"
                                : "four and six",
               int8 > 0 ? ", the others" : "");
    }
    if (int8 > 0) {
        format(kept, sizeof kept, " as int8 in groups of 32, %u of %u exactly", exact, int8);
    }
    output_say(output, COLOUR_TEXT,
               "Kind: %s%s, matrices: %s\n"
               "Kept: %s%s; vectors as F32\n",
               kind[0] != 0 ? kind : "unknown", (gguf->file_type & GGUF_KIND_GUESSED) != 0 ? " (guessed)" : "", types,
               matrices, kept);
}

/* The id of a token that a model may lack. */
static struct figure token_text(int32_t id)
{
    struct figure figure;
    format(figure.text, sizeof figure.text, id == GGUF_NO_TOKEN ? "none" : "%d", (int)id);
    return figure;
}

/* The hyper-parameters by the names of model cards, and what uses the memory. */
static void say_shape(struct output *output, const struct models *models)
{
    const struct engine *engine = &models->engine;
    const struct gguf *gguf = &engine->gguf;
    const uint64_t cache = transformer_cache_bytes(&engine->transformer);
    const uint64_t tokenizer = tokenizer_memory(gguf), weights = engine_weights(engine);
    char positions[ROPE_TEXT_MAX];
    rope_text(positions, gguf);
    output_say(output, COLOUR_TEXT,
               "File: %s, GGUF version %u, architecture %s\n"
               "Shape: %u layers, dim %u, hidden %u, %u heads of %u, %u KV heads\n"
               "RoPE: %s\n"
               "Tokenizer: %u tokens, BOS" WRAP_TIE "%s, EOS" WRAP_TIE "%s, unknown" WRAP_TIE "%s\n"
               "In use: weights" WRAP_TIE "%s, KV" WRAP_TIE "cache" WRAP_TIE "%s, tokenizer" WRAP_TIE
               "%s, buffers" WRAP_TIE "%s\n",
               models->path, gguf->version, gguf->architecture->name, gguf->layers, gguf->dim, gguf->hidden,
               gguf->heads, gguf->head_size, gguf->kv_heads, positions, gguf->vocabulary, token_text(gguf->bos).text,
               token_text(gguf->eos).text, token_text(gguf->unknown).text, figure_size(weights).text,
               figure_size(cache).text, figure_size(tokenizer).text,
               figure_size(engine->memory_bytes - weights - cache - tokenizer).text);
}

/* The kernels that this CPU can run, and how long a piece of the model took each of them. */
static void say_kernels(struct output *output, const struct models *models)
{
    char list[160] = "";
    size_t used = 0;
    bool raced = false;
    for (uint32_t i = 0; i < KERNELS; i++) {
        const uint32_t ns = models->engine.race.ns[i], tenths = ns / 100 + (ns % 100 >= 50);
        if (kernel_usable(kernel_at(i), &models->cpu)) {
            used += format(list + used, sizeof list - used, "%s%s", used > 0 ? ", " : "", kernel_at(i)->name);
        }
        if (ns > 0) {
            used += format(list + used, sizeof list - used, WRAP_TIE "%u.%u" WRAP_TIE "us", tenths / 10, tenths % 10);
            raced = true;
        }
    }
    output_say(output, COLOUR_TEXT, "Kernels: %s%s\n", list, raced ? " for a piece of the model" : "");
}

/* Besides model and prompt, all settings that a story depends on: enough to reproduce it elsewhere. */
static void say_settings(struct output *output)
{
    char list[256] = "", value[40];
    size_t used = 0;
    for (uint32_t i = CONFIG_SAMPLING_FIRST; i <= CONFIG_SAMPLING_LAST; i++) {
        config_value(output->config, i, value, sizeof value);
        used +=
            format(list + used, sizeof list - used, "%s%s" WRAP_TIE "%s", used > 0 ? ", " : "", config_key(i), value);
    }
    output_say(output, COLOUR_TEXT, "Settings: %s\n", list);
}

/* Also works without a model: bug reports ask for its output. */
void banner_details(struct output *output, const struct models *models, bool chats)
{
    banner_machine(output, models);
    say_kernels(output, models);
    if (models->loaded) {
        banner_model(output, models, chats);
        say_kind(output, &models->engine.gguf);
        say_shape(output, models);
    } else {
        output_say(output, COLOUR_TEXT, "Model: none loaded\n");
    }
    say_settings(output);
}
