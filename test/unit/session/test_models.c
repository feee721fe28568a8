/* models.h where the kernel that won a race takes more memory than the others: other models and the bench. */
#include "unit.h"

#include "memory_platform.h"
#include "sample_model.h"

#include "session/bench_table.h"
#include "session/models.h"

static struct {
    struct memory_platform memory; /* first: platform.state points here */
    uint64_t total, used;
    char transcript[4096];
    size_t length;
} machine;

static struct output output;

static void put(struct platform *platform, const char *utf8, size_t n)
{
    (void)platform;
    assert_true(machine.length + n < sizeof machine.transcript); /* the last byte stays 0 */
    memcpy(machine.transcript + machine.length, utf8, n);
    machine.length += n;
}

static void set_colour(struct platform *platform, enum platform_colour colour)
{
    (void)platform;
    (void)colour;
}

static int get_key(struct platform *platform)
{
    (void)platform;
    return KEY_NONE;
}

/* It stands still: there is no race. */
static uint64_t microseconds(struct platform *platform)
{
    (void)platform;
    return 0;
}

static uint64_t memory_free(struct platform *platform)
{
    (void)platform;
    return machine.total - machine.used;
}

static void *reserve(struct platform *platform, size_t bytes)
{
    (void)platform;
    machine.used += bytes;
    return aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);
}

static void release(struct platform *platform, void *memory, size_t bytes)
{
    (void)platform;
    machine.used -= bytes;
    free(memory);
}

static void exclusive(struct platform *platform, bool on)
{
    (void)platform;
    (void)on;
}

static uint32_t other_processors(struct platform *platform)
{
    (void)platform;
    return 0;
}

static int list(struct platform *platform, const char *directory, uint32_t index, struct platform_entry *entry)
{
    (void)platform;
    if (strcmp(directory, "/MODELS") != 0 || index >= machine.memory.file_count) {
        return PLATFORM_NOT_FOUND;
    }
    const struct memory_file *file = &machine.memory.files[index];
    *entry = (struct platform_entry){.size = file->size};
    snprintf(entry->name, sizeof entry->name, "%s", file->path + strlen("/MODELS/"));
    return PLATFORM_OK;
}

static struct platform *begin(const struct memory_file *files, uint32_t count)
{
    memset(&machine, 0, sizeof machine);
    machine.total = 16 << 20;
    memory_platform_init(&machine.memory, files, count);
    struct platform *platform = &machine.memory.platform;
    platform->put = put;
    platform->set_colour = set_colour;
    platform->get_key = get_key;
    platform->list = list;
    platform->microseconds = microseconds;
    platform->memory_free = memory_free;
    platform->reserve = reserve;
    platform->release = release;
    platform->exclusive = exclusive;
    platform->other_processors = other_processors;
    return platform;
}

/* Loads a model, then leaves memory for it alone, to the byte. */
static struct models *load_tightly(const struct memory_file *files, uint32_t count)
{
    static struct models models;
    static struct typeahead typeahead;
    static struct config config;
    struct platform *platform = begin(files, count);
    config = config_default();
    memset(&models, 0, sizeof models);
    output_begin(&output, platform, &config);
    typeahead_begin(&typeahead, platform);
    models_begin(&models, platform, &output, &typeahead, &config);
    assert_int_equal(models_load(&models), 0);
    machine.total = models.engine.memory_bytes;
    return &models;
}

static void close_all(struct models *models)
{
    models_close(models);
    assert_int_equal(machine.used, 0);
}

static void an_emulated_winner_rules_out_no_other_model(void **state)
{
    size_t size;
    uint8_t *bytes = sample_model((struct change[SAMPLE_CHANGES]){{0}}, &size);
    const struct memory_file files[] = {{"/MODELS/A.GGUF", bytes, size, false}, {"/MODELS/B.GGUF", bytes, size, false}};
    (void)state;
    struct models *models = load_tightly(files, COUNT_OF(files));
    models->kernel = &kernel_sse2emu; /* as if it had won */
    models_list(models);
    assert_non_null(strstr(machine.transcript, "Q8_0    loaded\n"));
    assert_non_null(strstr(machine.transcript, "Q8_0    fits\n"));
    assert_int_equal(models_choose(models, "b"), 0);
    assert_string_equal(models_name(models), "B.GGUF");
    assert_ptr_equal(models->kernel, kernel_best(&models->cpu));
    close_all(models);
    free(bytes);
}

static void the_bench_passes_over_a_kernel_that_does_not_fit(void **state)
{
    size_t size;
    char measured[32];
    uint8_t *bytes = sample_model((struct change[SAMPLE_CHANGES]){{0}}, &size);
    const struct memory_file files[] = {{"/MODELS/A.GGUF", bytes, size, false}};
    (void)state;
    struct models *models = load_tightly(files, COUNT_OF(files));
    bench_table(&output, models);
    snprintf(measured, sizeof measured, "\n* %-11s        0 us  ", kernel_best(&models->cpu)->name);
    for (uint32_t i = 0; i < KERNELS; i++) {
        const struct kernel *kernel = kernel_at(i), *best = kernel_best(&models->cpu);
        char line[64];
        snprintf(line, sizeof line, "\n  %-11s needs more memory than there is\n", kernel->name);
        if (kernel_usable(kernel, &models->cpu) && kernel->tile_bytes > best->tile_bytes) {
            assert_non_null(strstr(machine.transcript, line));
        }
        assert_true(kernel != best || strstr(machine.transcript, line) == NULL);
    }
    assert_non_null(strstr(machine.transcript, measured));
    assert_non_null(strstr(machine.transcript, "Time for a token, 16 in a row; "));
    assert_null(strstr(machine.transcript, "Error"));
    assert_true(models->loaded);
    close_all(models);
    free(bytes);
}

/* Of the two loads that fail then, one for a kernel and one for the former kernel, the second is not tried. */
static void the_bench_tells_once_that_the_drive_is_gone(void **state)
{
    size_t size;
    uint8_t *bytes = sample_model((struct change[SAMPLE_CHANGES]){{0}}, &size);
    const struct memory_file files[] = {{"/MODELS/A.GGUF", bytes, size, false}};
    (void)state;
    struct models *models = load_tightly(files, COUNT_OF(files));
    machine.memory.bad_to = UINT64_MAX;
    machine.memory.bad_is_gone = true;
    bench_table(&output, models);
    const char *error = strstr(machine.transcript, "Error: /MODELS/A.GGUF: cannot be read at byte 0: bad sector\n");
    assert_non_null(error);
    assert_string_equal(strstr(error, "\n") + 1, "Stopped.\n");
    assert_false(models->loaded);
    close_all(models);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_emulated_winner_rules_out_no_other_model),
        cmocka_unit_test(the_bench_passes_over_a_kernel_that_does_not_fit),
        cmocka_unit_test(the_bench_tells_once_that_the_drive_is_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
