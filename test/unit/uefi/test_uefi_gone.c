/* Disks that go while uefi/files.c uses them, and come back. */
#include "unit.h"

#include "fake_stick.h"

/* Makes the stick handle 0, with the path of a first partition. What is plugged in next is handle 1. */
static void plug_in_stick(struct session *session)
{
    fake_reset();
    session->volume = fake_volume_of(stick, STICK_NODES);
    fake_plug_in(&session->volume);
    fake.handles[0].device_path = partition_1;
}

/* It is read whole from the volume that took its place; ends, and checks that everything was given back. */
static void expect_found_again(struct session *session, const struct fake_volume *again)
{
    stick_check(&session->files, STICK_SETTINGS, STICK_MODEL);
    assert_int_equal(stick_read(session, "/MODELS/A.GGUF", 1 << 20), PLATFORM_OK);
    files_end(&session->files);
    assert_int_equal(session->volume.open_handles + again->open_handles, 0);
}

/* A stick that is pulled is one line, time after time; put back, it is a new device with the same path. */
static void a_pulled_stick_is_told_and_found_again(void **state)
{
    struct session session;
    struct fake_volume again = fake_volume_of(stick, STICK_NODES);
    struct platform_entry entry;

    (void)state;
    plug_in_stick(&session);
    files_begin(&session.files, &fake_boot, &fake.handles[0], &fake_clock);
    assert_int_equal(stick_read(&session, "/MODELS/A.GGUF", 1 << 20), PLATFORM_OK);
    fake.handles[0].pulled = session.volume.is_dead = true;
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(files_list(&session.files, "/MODELS", 0, &entry, session.error), PLATFORM_IO_ERROR);
        assert_string_equal(session.error, "EFI_NO_MEDIA from the disk with the models: is it still connected?");
    }
    fake_plug_in(&again);
    fake.handles[1].device_path = partition_1;
    expect_found_again(&session, &again);
}

static void a_dead_disk_is_told_and_may_come_to_life(void **state)
{
    struct session session;
    struct platform_entry entry;
    struct platform_file file;
    uint8_t byte;

    (void)state;
    fake_reset();
    stick_begin(&session);
    assert_int_equal(files_open(&session.files, "/MODELS/A.GGUF", &file, session.error), PLATFORM_OK);
    session.volume.is_dead = true;
    assert_int_equal(files_read(&session.files, &file, 0, &byte, 1, session.error), PLATFORM_IO_ERROR);
    assert_string_equal(session.error, "EFI_DEVICE_ERROR reading byte 0");
    assert_int_equal(files_list(&session.files, "/MODELS", 0, &entry, session.error), PLATFORM_IO_ERROR);
    assert_int_equal(files_read(&session.files, &file, 0, &byte, 1, session.error), PLATFORM_IO_ERROR);
    assert_string_equal(session.error, "EFI_NO_MEDIA reading byte 0"); /* its volume has been closed */
    files_close(&session.files, &file);
    session.volume.is_dead = false;
    stick_check(&session.files, STICK_SETTINGS, STICK_MODEL);
    stick_end(&session);
}

#define GONE "the drive does not answer, EFI_DEVICE_ERROR "

/* All calls fail at once, without one to the firmware. */
static void expect_gone(struct session *session)
{
    struct platform_entry entry;
    struct platform_file file;
    const int failed = session->volume.failed;

    assert_true(files_gone(&session->files));
    assert_int_equal(files_open(&session->files, "/MODELS/A.GGUF", &file, session->error), PLATFORM_IO_ERROR);
    assert_string_equal(session->error, GONE "opening the file");
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(files_list(&session->files, "/MODELS", i, &entry, session->error), PLATFORM_IO_ERROR);
        assert_string_equal(session->error, GONE "listing the directory");
    }
    assert_int_equal(session->volume.failed, failed);
}

/* As OVMF: one read from a stick that was pulled takes half a minute, and USB's driver misses that it was. Its handle
   goes, and the same stick's new one comes, when the controller is started anew. */
static void a_slow_failure_is_one_try_and_the_stick_is_found_again(void **state)
{
    struct session session;
    struct fake_volume again = fake_volume_of(stick, STICK_NODES), none = fake_volume_of(NULL, 0);

    (void)state;
    plug_in_stick(&session);
    fake_plug_in(&none);
    fake_plug_in(&again);
    fake.handles[2].device_path = partition_1;
    fake.handles[1].on_bus = fake.handles[2].missed = true;
    fake.handles[1].class = 0x0C033000; /* USB */
    files_begin(&session.files, &fake_boot, &fake.handles[0], &fake_clock);
    session.volume.is_dead = true;
    session.volume.slowness = 28000000;
    assert_int_equal(files_list(&session.files, "/", 0, &(struct platform_entry){0}, session.error), PLATFORM_IO_ERROR);
    assert_int_equal(session.volume.failed, 1);
    expect_gone(&session);
    assert_int_equal(fake.controllers_stopped, 0);
    files_retry(&session.files);
    expect_found_again(&session, &again);
    assert_int_equal(fake.controllers_stopped, 1);
}

/* The firmware notices it during the first try: there is no second one, and the device is not touched again. */
static void a_stick_pulled_while_it_is_read_is_gone(void **state)
{
    struct session session;
    struct platform_entry entry;
    struct platform_file file;
    uint8_t byte;

    (void)state;
    fake_reset();
    stick_begin(&session);
    assert_int_equal(files_open(&session.files, "/MODELS/A.GGUF", &file, session.error), PLATFORM_OK);
    session.volume.is_dead = true;
    session.volume.vanishes = &fake.handles[0].pulled;
    assert_int_equal(files_read(&session.files, &file, 1 << 20, &byte, 1, session.error), PLATFORM_IO_ERROR);
    assert_string_equal(session.error, GONE "reading byte 1048576");
    assert_int_equal(files_read(&session.files, &file, 0, &byte, 1, session.error), PLATFORM_IO_ERROR);
    assert_int_equal(session.volume.failed, 1);
    files_retry(&session.files); /* a key typed while the file is open */
    assert_int_equal(files_read(&session.files, &file, 0, &byte, 1, session.error), PLATFORM_IO_ERROR);
    files_close(&session.files, &file);
    files_retry(&session.files);
    assert_int_equal(files_list(&session.files, "/MODELS", 0, &entry, session.error), PLATFORM_IO_ERROR);
    assert_string_equal(session.error, "EFI_NO_MEDIA from the disk with the models: is it still connected?");
    assert_int_equal(fake.controllers_stopped, 0);
    stick_end(&session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pulled_stick_is_told_and_found_again),
        cmocka_unit_test(a_dead_disk_is_told_and_may_come_to_life),
        cmocka_unit_test(a_slow_failure_is_one_try_and_the_stick_is_found_again),
        cmocka_unit_test(a_stick_pulled_while_it_is_read_is_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
