/* models.h where the kernel that won a race takes more memory than the others: it rules out no other model. */
#include "unit.h"

#include "memory_platform.h"
#include "sample_model.h"

#include "session/models.h"

static struct {
    struct memory_platform memory; /* first: platform.state points here */
    uint64_t total, used;
    char transcript[4096];
    size_t length;
} machine;

static void put(struct platform *platform, const char *utf8, size_t n)
{
    (void)platform;
    assert_true(machine.length + n < sizeof machine.transcript);
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

static void a_wide_winner_rules_out_no_other_model(void **state)
{
    static struct models models;
    static struct output output;
    static struct typeahead typeahead;
    struct config config = config_default();
    size_t size;
    uint8_t *bytes = sample_model((struct change[SAMPLE_CHANGES]){{0}}, &size);
    const struct memory_file files[] = {{"/MODELS/A.GGUF", bytes, size, false}, {"/MODELS/B.GGUF", bytes, size, false}};
    (void)state;
    struct platform *platform = begin(files, COUNT_OF(files));
    output_begin(&output, platform, &config);
    typeahead_begin(&typeahead, platform);
    models_begin(&models, platform, &output, &typeahead, &config);
    assert_int_equal(models_load(&models), 0);
    machine.total = models.engine.memory_bytes; /* enough for the standard kernel, to the byte */
    models.kernel = &kernel_sse2wide;           /* as if it had won */
    models_list(&models);
    machine.transcript[machine.length] = 0;
    assert_non_null(strstr(machine.transcript, "Q8_0    loaded\n"));
    assert_non_null(strstr(machine.transcript, "Q8_0    fits\n"));
    assert_int_equal(models_choose(&models, "b"), 0);
    assert_string_equal(models_name(&models), "B.GGUF");
    assert_ptr_equal(models.kernel, kernel_best(&models.cpu));
    models_close(&models);
    assert_int_equal(machine.used, 0);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wide_winner_rules_out_no_other_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
