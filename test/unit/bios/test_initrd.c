/* bios/initrd.c: models in memory that a boot loader has filled. */
#include "unit.h"

#include <sys/mman.h>

#include "initrd.h"
#include "sample_model.h"

enum { ADDRESS = 0x10000000, PAGE = 4096, PAGES = 64 };

static struct platform platform;
static struct linux_boot given;
static uint8_t *sample;
static size_t sample_bytes;

/* The page behind the initrd cannot be read. */
static int take_memory(void **state)
{
    (void)state;
    uint8_t *memory = mmap((void *)ADDRESS, (PAGES + 1) * PAGE, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    assert_ptr_equal(memory, (void *)ADDRESS);
    assert_int_equal(mprotect(memory + PAGES * PAGE, PAGE, PROT_NONE), 0);
    sample = sample_model((const struct change[SAMPLE_CHANGES]){{NO_CHANGE}}, &sample_bytes);
    return 0;
}

static int give_memory_back(void **state)
{
    (void)state;
    free(sample);
    return munmap((void *)ADDRESS, (PAGES + 1) * PAGE);
}

/* Begins an initrd of so many zeros, which ends with the readable memory. */
static uint8_t *begin(size_t bytes)
{
    assert_true(bytes <= PAGES * PAGE);
    given = (struct linux_boot){(uint32_t)(ADDRESS + PAGES * PAGE - bytes), (uint32_t)bytes, ""};
    memset((void *)ADDRESS, 0, PAGES * PAGE);
    memset(&platform, 0, sizeof platform);
    return (uint8_t *)(uintptr_t)given.initrd;
}

/* The root is what text[] says: a line with name and size of each file. */
static void assert_listed(const char *text)
{
    char lines[512] = "";
    struct platform_entry entry;
    int status;
    initrd_mount(&platform, &given);
    for (uint32_t i = 0; (status = platform.list(&platform, "/MODELS/..", i, &entry)) == PLATFORM_OK; i++) {
        assert_false(entry.is_directory || entry.is_hidden);
        snprintf(lines + strlen(lines), sizeof lines - strlen(lines), "%s %u\n", entry.name, (unsigned)entry.size);
    }
    assert_int_equal(status, PLATFORM_NOT_FOUND);
    assert_int_equal(platform.list(&platform, "/models", 0, &entry), PLATFORM_NOT_FOUND);
    assert_string_equal(lines, text);
}

static void assert_holds_the_sample(const char *path, uint64_t size)
{
    struct platform_file file;
    assert_int_equal(platform.open(&platform, path, &file), PLATFORM_OK);
    assert_int_equal(file.size, size);
    uint8_t *bytes = malloc(sample_bytes - 1);
    assert_int_equal(platform.read(&platform, &file, 1, bytes, (uint32_t)sample_bytes - 1), PLATFORM_OK);
    assert_memory_equal(bytes, sample + 1, sample_bytes - 1);
    free(bytes);
    platform.close(&platform, &file);
}

static void one_model(void **state)
{
    char line[64];
    struct platform_file file;
    (void)state;
    memcpy(begin(sample_bytes), sample, sample_bytes);
    snprintf(line, sizeof line, "INITRD.GGUF %zu\n", sample_bytes);
    assert_listed(line);
    assert_holds_the_sample("/initrd.gguf", sample_bytes);
    assert_int_equal(platform.open(&platform, "/INITRD1.GGUF", &file), PLATFORM_NOT_FOUND);
    assert_int_equal(platform.open(&platform, "/INITRD2.GGUF", &file), PLATFORM_NOT_FOUND);
    assert_int_equal(platform.open(&platform, "INITRD.GGUF", &file), PLATFORM_NOT_FOUND);
    assert_int_equal(platform.open(&platform, "/BOOTLLAM.CFG", &file), PLATFORM_NOT_FOUND);
}

/* Each goes as far as to the next one. What lies before the first one belongs to none. */
static void several_models(void **state)
{
    const uint32_t at[] = {112, 112 + 30000, 112 + 70000};
    const size_t all = at[2] + sample_bytes;
    char lines[128];
    (void)state;
    uint8_t *initrd = begin(all);
    memcpy(initrd, "070701", 6);
    for (size_t i = 0; i < COUNT_OF(at); i++) {
        memcpy(initrd + at[i], sample, sample_bytes);
    }
    snprintf(lines, sizeof lines, "INITRD.GGUF 30000\nINITRD2.GGUF 40000\nINITRD3.GGUF %zu\n", sample_bytes);
    assert_listed(lines);
    assert_holds_the_sample("/INITRD.GGUF", 30000);
    assert_holds_the_sample("/INITRD3.GGUF", sample_bytes);
}

static void more_models_than_there_are_names(void **state)
{
    (void)state;
    uint8_t *initrd = begin(15 * 24);
    for (uint32_t i = 0; i < 15; i++) {
        memcpy(initrd + i * 24, "GGUF\3", 5);
    }
    assert_listed("INITRD.GGUF 24\nINITRD2.GGUF 24\nINITRD3.GGUF 24\nINITRD4.GGUF 24\nINITRD5.GGUF 24\n"
                  "INITRD6.GGUF 24\nINITRD7.GGUF 24\nINITRD8.GGUF 24\nINITRD9.GGUF 168\n");
}

/* The magic within a model begins another one only as a part of a whole header. */
static void the_word_in_a_text_is_no_model(void **state)
{
    static const struct {
        uint32_t at, value; /* a word of the header */
        const char *listed;
    } cases[] = {
        {0, 0x46554747, "INITRD.GGUF 28\nINITRD2.GGUF 24\n"},
        {0, 0x46554748, "INITRD.GGUF 52\n"},
        {4, 2, "INITRD.GGUF 28\nINITRD2.GGUF 24\n"},
        {4, 1, "INITRD.GGUF 52\n"},
        {4, 4, "INITRD.GGUF 52\n"},
        {8, 0xFFFFFFFF, "INITRD.GGUF 28\nINITRD2.GGUF 24\n"},
        {12, 1, "INITRD.GGUF 52\n"},
        {20, 1, "INITRD.GGUF 52\n"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint8_t *initrd = begin(28 + 24);
        memcpy(initrd, "GGUF\xFF", 5); /* of whatever version */
        memcpy(initrd + 28, "GGUF\3", 5);
        memcpy(initrd + 28 + cases[i].at, &cases[i].value, 4);
        assert_listed(cases[i].listed);
    }
    memcpy(begin(28 + 23), "GGUF\3", 5);
    memcpy((uint8_t *)(uintptr_t)given.initrd + 28, "GGUF\3", 5);
    assert_listed("INITRD.GGUF 51\n");
}

static void assert_refused(const char *why)
{
    struct platform_entry entry;
    initrd_mount(&platform, &given);
    assert_int_equal(platform.list(&platform, "/MODELS", 0, &entry), PLATFORM_IO_ERROR);
    assert_string_equal(platform.error, why);
}

static void no_model(void **state)
{
    (void)state;
    begin(0);
    assert_refused("no initrd was given, and the BIOS has no disk 80h");
    memcpy(begin(3), "GGU", 3);
    assert_refused("the initrd holds no GGUF model");
    memcpy(begin(1001), "07070", 5);
    assert_refused("the initrd holds no GGUF model");
    memcpy(begin(4), "GGUF", 4);
    assert_listed("INITRD.GGUF 4\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_model),
        cmocka_unit_test(several_models),
        cmocka_unit_test(more_models_than_there_are_names),
        cmocka_unit_test(the_word_in_a_text_is_no_model),
        cmocka_unit_test(no_model),
    };
    return cmocka_run_group_tests(tests, take_memory, give_memory_back);
}
