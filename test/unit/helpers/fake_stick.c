#include "unit.h"

#include "fake_stick.h"
#include "base/model_file.h"

#define TEN(x) x x x x x x x x x x
#define EIGHTY(x) TEN(x) TEN(x) TEN(x) TEN(x) TEN(x) TEN(x) TEN(x) TEN(x)

const struct fake_node stick[STICK_NODES] = {
    {"", "EFI", -1},
    {"", "BOOTLLAM.CFG", STICK_SETTINGS},
    {"", "MODELS", -1},
    {"MODELS", ".", -1},
    {"MODELS", "..", -1},
    {"MODELS", "README.TXT", 5},
    {"MODELS", "A.GGUF", STICK_MODEL},
    {"MODELS", EIGHTY("\u682A") TEN("\u682A") ".gguf", 1}, /* 275 bytes */
    {"MODELS", "Second model.gguf", 0},
};

const uint8_t partition_1[58] = {USB(1), PARTITION(1), PATH_END};

void stick_begin(struct session *session)
{
    session->volume = fake_volume_of(stick, STICK_NODES);
    fake_plug_in(&session->volume);
    files_begin(&session->files, &fake_boot, &fake.handles[0], &fake_clock);
}

void stick_end(struct session *session)
{
    files_end(&session->files);
    assert_int_equal(session->volume.open_handles, 0);
    assert_int_equal(fake.allocations, 0);
}

int stick_read(struct session *session, const char *path, uint32_t step)
{
    struct platform_file file;
    static uint8_t buffer[1 << 20];

    assert_int_equal(files_open(&session->files, path, &file, session->error), PLATFORM_OK);
    for (uint64_t at = 0; at < file.size;) {
        uint32_t n = file.size - at < step ? (uint32_t)(file.size - at) : step;
        int status = files_read(&session->files, &file, at, buffer, n, session->error);
        if (status != PLATFORM_OK) {
            files_close(&session->files, &file);
            return status;
        }
        for (uint32_t i = 0; i < n; i++) {
            if (buffer[i] != fake_content(at + i)) {
                fail_test("wrong byte at %llu\n", (unsigned long long)(at + i));
            }
        }
        at += n;
    }
    files_close(&session->files, &file);
    return PLATFORM_OK;
}

void stick_check(struct files *files, uint64_t settings, uint64_t model)
{
    struct platform_file file;
    struct platform_entry entry = {.size = 0};
    char error[96];

    int status = PLATFORM_OK;
    for (uint32_t i = 0; status == PLATFORM_OK && !model_file_is_named(&entry); i++) {
        status = files_list(files, "/MODELS", i, &entry, error);
    }
    assert_int_equal(status == PLATFORM_OK ? entry.size : 0, model);
    status = files_open(files, "/BOOTLLAM.CFG", &file, error);
    assert_int_equal(status == PLATFORM_OK ? file.size : 0, settings);
    if (status == PLATFORM_OK) {
        files_close(files, &file);
    }
}
