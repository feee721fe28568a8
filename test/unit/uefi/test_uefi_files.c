/* Files and volumes of uefi/ on a firmware that does its worst. */
#include "unit.h"

#include <sys/mman.h>

#include "fake_stick.h"

static const struct fake_node no_model[] = {
    {"", "BOOTLLAM.CFG", 7},    {"", "MODELS", -1},
    {"MODELS", "NOTES.TXT", 4}, {"MODELS", "OLD.GGUF", -1}, /* a directory */
    {"MODELS", ".gguf", 4},
};

static void reads_in_bounded_pieces(void **state)
{
    struct session session;

    (void)state;
    fake_reset();
    stick_begin(&session);
    assert_int_equal(stick_read(&session, "/MODELS/A.GGUF", 1 << 20), PLATFORM_OK);
    assert_int_equal(stick_read(&session, "/models/a.gguf", 4093), PLATFORM_OK);
    assert_int_equal(session.volume.largest_read, FILES_READ_MAX);
    session.volume.short_read = 1000;
    assert_int_equal(stick_read(&session, "/MODELS/A.GGUF", 65536), PLATFORM_OK);
    stick_end(&session);
}

static void reads_anywhere(void **state)
{
    static const struct {
        uint64_t at;
        uint32_t n;
    } cases[] = {{3 << 20, 777}, {0, 1}, {1048575, 2}, {100, 300000}, {2000000, 1048576}, {1999999, 3}, {3146504, 1}};
    struct session session;
    struct platform_file file;
    uint8_t *buffer = malloc(1 << 20);

    (void)state;
    fake_reset();
    stick_begin(&session);
    assert_int_equal(files_open(&session.files, "/MODELS/A.GGUF", &file, session.error), PLATFORM_OK);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(files_read(&session.files, &file, cases[i].at, buffer, cases[i].n, session.error),
                         PLATFORM_OK);
        for (uint32_t k = 0; k < cases[i].n; k++) {
            assert_int_equal(buffer[k], fake_content(cases[i].at + k));
        }
    }
    files_close(&session.files, &file);
    stick_end(&session);
    free(buffer);
}

static void expect_piece(struct session *session, struct platform_file *file, uint64_t at, uint8_t *buffer, uint32_t n)
{
    memset(buffer, 0, n);
    assert_int_equal(files_read(&session->files, file, at, buffer, n, session->error), PLATFORM_OK);
    for (uint32_t i = 0; i < n; i++) {
        assert_int_equal(buffer[i], fake_content(at + i));
    }
}

/* Whole pieces, into a buffer on a page below 4 GiB, take no way through the window, and fail no less safely. */
static void whole_pieces_are_not_copied(void **state)
{
    enum { PIECE = FILES_READ_MAX, ROOM = PIECE + 8192 };
    uint8_t *low = mmap(NULL, ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    struct session session;
    struct platform_file file;

    (void)state;
    assert_true((uintptr_t)low <= UINT32_MAX - ROOM);
    fake_reset();
    stick_begin(&session);
    const struct window *window = &session.files.window;
    assert_int_equal(files_open(&session.files, "/MODELS/A.GGUF", &file, session.error), PLATFORM_OK);
    expect_piece(&session, &file, 512, low, PIECE);
    assert_ptr_equal(session.volume.read_to, low);
    expect_piece(&session, &file, 0, low, PIECE + 700); /* the rest is no whole piece */
    assert_ptr_equal(session.volume.read_to, window->bytes);
    expect_piece(&session, &file, PIECE, low, PIECE); /* the window has its beginning */
    assert_ptr_equal(session.volume.read_to, low);
    expect_piece(&session, &file, PIECE, low, 700);
    expect_piece(&session, &file, 1024, low + 64, PIECE);
    assert_ptr_equal(session.volume.read_to, window->bytes);
    expect_piece(&session, &file, 1025, low, PIECE);
    assert_ptr_equal(session.volume.read_to, window->bytes);
    session.volume.bad_byte = 1000000;
    session.volume.failures = 1;
    session.volume.handle_dies = true;
    expect_piece(&session, &file, 0, low, PIECE);
    session.volume.failures = FAKE_LASTING;
    session.volume.lies = true;
    assert_int_equal(files_read(&session.files, &file, 0, low, PIECE, session.error), PLATFORM_IO_ERROR);
    assert_string_equal(session.error, "EFI_NO_RESPONSE reading byte 786432"); /* pieces have become smaller before */
    assert_true((const uint8_t *)session.volume.read_to - low == 786432);
    session.volume.failures = 0;
    expect_piece(&session, &file, 0, low, PIECE);
    session.files.volumes.volume[0].is_sata = true; /* the margin has no room there */
    expect_piece(&session, &file, 0, low, PIECE);
    assert_ptr_equal(session.volume.read_to, window->bytes);
    files_close(&session.files, &file);
    stick_end(&session);
    munmap(low, ROOM);
}

static void survives_one_failure(void **state)
{
    static const uint64_t bad_bytes[] = {0, 511, 1048576, 3146504};

    (void)state;
    for (size_t i = 0; i < 4 * COUNT_OF(bad_bytes); i++) {
        struct session session;
        fake_reset();
        stick_begin(&session);
        session.volume.bad_byte = bad_bytes[i / 4];
        session.volume.failures = 1 + (int)(i % 2) * 2;
        session.volume.lies = i % 4 >= 2;
        session.volume.handle_dies = true;
        assert_int_equal(stick_read(&session, "/MODELS/A.GGUF", 1 << 20), PLATFORM_OK);
        assert_true(session.volume.open_volumes >= 2);
        stick_end(&session);
    }
}

static void reports_a_lasting_failure(void **state)
{
    struct session session;

    (void)state;
    fake_reset();
    stick_begin(&session);
    session.volume.bad_byte = 2000000;
    session.volume.failures = FAKE_LASTING;
    assert_int_equal(stick_read(&session, "/MODELS/A.GGUF", 1 << 20), PLATFORM_IO_ERROR);
    assert_string_equal(session.error, "EFI_DEVICE_ERROR reading byte 1998848"); /* the 4 KiB piece that fails */
    session.volume.lies = true;
    assert_int_equal(stick_read(&session, "/MODELS/A.GGUF", 1 << 20), PLATFORM_IO_ERROR);
    assert_memory_equal(session.error, "EFI_NO_RESPONSE", 15);
    session.volume.failures = 0;
    session.volume.reads_nothing = true;
    assert_int_equal(stick_read(&session, "/MODELS/A.GGUF", 1 << 20), PLATFORM_IO_ERROR);
    assert_string_equal(session.error, "EFI_END_OF_FILE reading byte 0");
    session.volume.reads_nothing = false;
    assert_int_equal(stick_read(&session, "/MODELS/A.GGUF", 1 << 20), PLATFORM_OK);
    stick_end(&session);
}

/* A file's last sector of fewer bytes than a mark has. */
static void detects_a_lie_about_a_short_end(void **state)
{
    struct fake_node nodes[] = {{"", "EFI", -1}, {"", "MODELS", -1}, {"MODELS", "A.GGUF", 0}};
    static const int64_t sizes[] = {1, 7, 513, 519};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        struct session session;
        nodes[2].size = sizes[i];
        fake_reset();
        session.volume = fake_volume_of(nodes, COUNT_OF(nodes));
        fake_plug_in(&session.volume);
        files_begin(&session.files, &fake_boot, &fake.handles[0], &fake_clock);
        assert_int_equal(stick_read(&session, "/MODELS/A.GGUF", 1000), PLATFORM_OK);
        session.volume.bad_byte = (uint64_t)sizes[i] - 1;
        session.volume.failures = FAKE_LASTING;
        session.volume.lies = true;
        assert_int_equal(stick_read(&session, "/MODELS/A.GGUF", 1000), PLATFORM_IO_ERROR);
        stick_end(&session);
    }
}

/* A SATA disk's silent failure in a part that the FAT driver reads through its cache is found by the margin around
   it. */
static void detects_lies(struct session *session)
{
    session->volume.failures = FAKE_LASTING;
    session->volume.lies = session->volume.caches_edges = true;
    for (session->volume.bad_byte = 70000; session->volume.bad_byte < 3000000; session->volume.bad_byte += 150001) {
        session->volume.page_from = (uint32_t)(session->volume.bad_byte % 128) * 512;
        assert_int_equal(stick_read(session, "/MODELS/A.GGUF", 1 << 20), PLATFORM_IO_ERROR);
        assert_int_equal(stick_read(session, "/MODELS/A.GGUF", 65536), PLATFORM_IO_ERROR);
    }
}

/* One lie, told when the first of two pieces is read or the second, about a sector that both have: it is in one of
   them that the piece does not fill a page. */
static void compares_what_pieces_share(struct session *session)
{
    enum { USED = FILES_READ_MAX - FILES_SATA_MARGIN };
    uint8_t *buffer = malloc(USED);
    struct platform_file file;

    assert_int_equal(files_open(&session->files, "/MODELS/A.GGUF", &file, session->error), PLATFORM_OK);
    for (uint64_t at = 0; at < 3 * USED; at += USED) {
        expect_piece(session, &file, at, buffer, USED);
        assert_int_equal(session->files.window.start, at);
    }
    files_close(&session->files, &file);
    for (uint32_t i = 0; i < 4 * 128; i += 35) {
        const uint32_t told = i % 2;
        session->volume.lies = session->volume.caches_edges = true;
        session->volume.page_from = i / 4 * 512;
        session->volume.bad_byte = USED + i * 37 % 128 * 512;
        session->volume.failures = told == 0;
        session->volume.open_volumes = 0;
        assert_int_equal(files_open(&session->files, "/MODELS/A.GGUF", &file, session->error), PLATFORM_OK);
        expect_piece(session, &file, 0, buffer, USED);
        assert_int_equal(session->files.window.end - session->files.window.to, FILES_SATA_MARGIN);
        session->volume.failures += told == 1;
        expect_piece(session, &file, USED, buffer, USED);
        assert_int_equal(session->volume.open_volumes, 1); /* once more */
        files_close(&session->files, &file);
    }
    free(buffer);
}

static void reads_sata_with_a_margin(void **state)
{
    static const uint8_t path[] = {3, 18, 10, 0, 0, 0, 0, 0, 0, 0, 0x7F, 0xFF, 4, 0};
    struct session session;

    (void)state;
    fake_reset();
    session.volume = fake_volume_of(stick, STICK_NODES);
    fake_plug_in(&session.volume);
    fake.handles[0].device_path = path;
    files_begin(&session.files, &fake_boot, &fake.handles[0], &fake_clock);
    assert_true(session.files.volumes.volume[0].is_sata);
    assert_int_equal(stick_read(&session, "/MODELS/A.GGUF", 1 << 20), PLATFORM_OK);
    assert_int_equal(stick_read(&session, "/MODELS/A.GGUF", 1000), PLATFORM_OK);
    compares_what_pieces_share(&session);
    detects_lies(&session);
    session.volume.bad_byte = 100000;
    session.volume.failures = 1;
    session.volume.lies = false;
    assert_int_equal(stick_read(&session, "/MODELS/A.GGUF", 1 << 20), PLATFORM_OK);
    assert_int_equal(session.files.chunk, 1 << 18); /* after a failure that the firmware reported */
    detects_lies(&session);
    stick_end(&session);
}

static void opens_what_is_there(void **state)
{
    struct session session;
    struct platform_file a, b, c;

    (void)state;
    fake_reset();
    stick_begin(&session);
    assert_int_equal(files_open(&session.files, "/MODELS/B.GGUF", &a, session.error), PLATFORM_NOT_FOUND);
    assert_int_equal(files_open(&session.files, "/MODELS", &a, session.error), PLATFORM_NOT_FOUND);
    assert_int_equal(files_open(&session.files, "/MODELS/\xFF", &a, session.error), PLATFORM_NOT_FOUND);
    assert_int_equal(files_open(&session.files, "/MODELS/\xF0\x9F\x98\x80", &a, session.error), PLATFORM_NOT_FOUND);
    assert_int_equal(files_open(&session.files, "/BOOTLLAM.CFG", &a, session.error), PLATFORM_OK);
    assert_int_equal(a.size, 19);
    assert_int_equal(files_open(&session.files, "/models/second MODEL.gguf", &b, session.error), PLATFORM_OK);
    assert_int_equal(b.size, 0);
    assert_int_equal(files_open(&session.files, "/BOOTLLAM.CFG", &c, session.error), PLATFORM_IO_ERROR);
    assert_string_equal(session.error, "EFI_OUT_OF_RESOURCES opening a third file");
    files_close(&session.files, &a);
    session.volume.info_fails = true;
    assert_int_equal(files_open(&session.files, "/BOOTLLAM.CFG", &a, session.error), PLATFORM_IO_ERROR);
    assert_string_equal(session.error, "EFI_DEVICE_ERROR opening the file");
    files_close(&session.files, &b);
    stick_end(&session);
}

static void lists_directories(void **state)
{
    static const char *const names[] = {"README.TXT", "A.GGUF", "Second model.gguf"};
    struct session session;
    struct platform_entry entry;

    (void)state;
    fake_reset();
    stick_begin(&session);
    for (int order = 0; order < 2; order++) { /* forth, then back */
        for (uint32_t i = 0; i < COUNT_OF(names); i++) {
            uint32_t index = order == 0 ? i : (uint32_t)COUNT_OF(names) - 1 - i;
            assert_int_equal(files_list(&session.files, "/MODELS", index, &entry, session.error), PLATFORM_OK);
            assert_string_equal(entry.name, names[index]);
            assert_false(entry.is_directory);
        }
    }
    assert_int_equal(files_list(&session.files, "/", 2, &entry, session.error), PLATFORM_OK);
    assert_string_equal(entry.name, "MODELS");
    assert_true(entry.is_directory);
    assert_int_equal(files_list(&session.files, "/", 3, &entry, session.error), PLATFORM_NOT_FOUND);
    assert_int_equal(files_list(&session.files, "/MODELS", 3, &entry, session.error), PLATFORM_NOT_FOUND);
    assert_int_equal(files_list(&session.files, "/NONE", 0, &entry, session.error), PLATFORM_NOT_FOUND);
    assert_int_equal(files_list(&session.files, "/BOOTLLAM.CFG", 0, &entry, session.error), PLATFORM_NOT_FOUND);
    stick_end(&session);
}

static void takes_models_from_another_volume(void **state)
{
    (void)state;
    for (int unnoticed = 0; unnoticed < 2; unnoticed++) {
        struct fake_volume boots = fake_volume_of(no_model, COUNT_OF(no_model)), empty = fake_volume_of(NULL, 0);
        struct fake_volume holds = fake_volume_of(stick, STICK_NODES);
        struct files files;
        struct platform_file file;
        struct platform_entry entry;
        char error[96];

        fake_reset();
        fake_plug_in(&boots);
        fake_plug_in(&empty);
        fake_plug_in(&holds);
        fake.handles[2].unnoticed = unnoticed != 0;
        files_begin(&files, &fake_boot, &fake.handles[0], &fake_clock);
        assert_int_equal(files_open(&files, "/MODELS/A.GGUF", &file, error), PLATFORM_OK);
        files_close(&files, &file);
        assert_int_equal(files_open(&files, "/BOOTLLAM.CFG", &file, error), PLATFORM_OK);
        assert_int_equal(file.size, 7); /* the boot volume's own */
        files_close(&files, &file);
        assert_int_equal(files_list(&files, "/MODELS", 0, &entry, error), PLATFORM_OK);
        assert_string_equal(entry.name, "README.TXT");
        files_end(&files);
        assert_int_equal(boots.open_handles + empty.open_handles + holds.open_handles, 0);
    }
}

/* What other systems leave in MODELS hides no other volume's model: base/model_file.h has the rule. */
static void leavings_are_no_models(void **state)
{
    static const struct {
        struct fake_node node;
        bool is_model;
    } cases[] = {
        {{"MODELS", "A.GGUF", 100, 0, false}, true},
        {{"MODELS", "long name.gguf", 4, 0x20, false}, true}, /* to be archived */
        {{"MODELS", "SHORT~1.GGU", 100, 0, false}, true},
        {{"MODELS", "._A.GGUF", 4096, 0, false}, false},
        {{"MODELS", ".GGUF", 100, 0, false}, false},
        {{"MODELS", "A.GGUF", 0, 0, false}, false},
        {{"MODELS", "A.GGUF", -1, 0, false}, false}, /* a folder */
        {{"MODELS", "A.GGUF", 100, EFI_FILE_HIDDEN, false}, false},
        {{"MODELS", "A.GGUF", 100, EFI_FILE_SYSTEM, false}, false},
        {{"MODELS", "A.GGUF", 100, 0, true}, false},
        {{"MODELS", "A.GGUF", 3, 0, false}, false},
        {{"MODELS", "A.GGUF.part", 100, 0, false}, false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct fake_node nodes[] = {{"", "MODELS", -1, 0, false}, cases[i].node};
        struct fake_volume boots = fake_volume_of(nodes, COUNT_OF(nodes));
        struct fake_volume holds = fake_volume_of(stick, STICK_NODES);
        struct files files;
        struct platform_entry entry;
        char error[96];
        fake_reset();
        fake_plug_in(&boots);
        fake_plug_in(&holds);
        files_begin(&files, &fake_boot, &fake.handles[0], &fake_clock);
        assert_int_equal(files_list(&files, "/MODELS", 0, &entry, error), PLATFORM_OK);
        assert_string_equal(entry.name, cases[i].is_model ? cases[i].node.name : "README.TXT");
        assert_int_equal(entry.is_hidden, false);
        files_end(&files);
        assert_int_equal(boots.open_handles + holds.open_handles, 0);
    }
}

/* A volume whose model cannot be read is the one: loading says what is wrong with it. */
static void a_model_that_cannot_be_read_is_one(void **state)
{
    struct fake_volume boots = fake_volume_of(stick, STICK_NODES), holds = fake_volume_of(stick, STICK_NODES);
    struct files files;
    struct platform_file file;
    char error[96];
    (void)state;
    fake_reset();
    fake_plug_in(&boots);
    fake_plug_in(&holds);
    boots.bad_byte = 0;
    boots.failures = FAKE_LASTING;
    files_begin(&files, &fake_boot, &fake.handles[0], &fake_clock);
    assert_int_equal(holds.open_volumes, 0);
    assert_int_equal(files_open(&files, "/MODELS/A.GGUF", &file, error), PLATFORM_OK);
    files_close(&files, &file);
    files_end(&files);
}

/* Storage, USB and SD controllers are connected where nothing else has a model; others never. */
static void connects_controllers(void **state)
{
    static const struct {
        uint32_t class;
        bool found;
    } cases[] = {
        {0x01060100, true},  /* AHCI */
        {0x01800001, true},  /* other storage: virtio */
        {0x0C033000, true},  /* USB */
        {0x08050100, true},  /* SD host */
        {0x03000000, false}, /* display */
        {0x02000000, false}, /* network */
        {0x0C050000, false}, /* SMBus */
        {0, false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct fake_volume boots = fake_volume_of(no_model, COUNT_OF(no_model));
        struct fake_volume holds = fake_volume_of(stick, STICK_NODES);
        struct files files;
        struct platform_file file;
        char error[96];

        fake_reset();
        fake_plug_in(&boots);
        fake_plug_in(&holds);
        fake.handles[1].unnoticed = fake.handles[1].on_bus = true;
        fake.handles[1].class = cases[i].class;
        files_begin(&files, &fake_boot, &fake.handles[0], &fake_clock);
        int status = files_open(&files, "/MODELS/A.GGUF", &file, error);
        assert_int_equal(status, cases[i].found ? PLATFORM_OK : PLATFORM_NOT_FOUND);
        if (cases[i].found) {
            files_close(&files, &file);
        }
        assert_int_equal(fake.handles[1].unnoticed, !cases[i].found);
        files_end(&files);
        assert_int_equal(boots.open_handles + holds.open_handles, 0);
    }
}

static void finds_a_stick_plugged_in_later(void **state)
{
    struct fake_volume boots = fake_volume_of(no_model, COUNT_OF(no_model));
    struct fake_volume later = fake_volume_of(stick, STICK_NODES);
    struct files files;
    struct platform_file file;
    struct platform_entry entry;
    char error[96];

    (void)state;
    fake_reset();
    fake_plug_in(&boots);
    files_begin(&files, &fake_boot, &fake.handles[0], &fake_clock);
    assert_int_equal(files_open(&files, "/MODELS/A.GGUF", &file, error), PLATFORM_NOT_FOUND);
    fake_plug_in(&later);
    assert_int_equal(files_list(&files, "/MODELS", 0, &entry, error), PLATFORM_OK);
    assert_int_equal(files_list(&files, "/MODELS", 1, &entry, error), PLATFORM_OK);
    assert_string_equal(entry.name, "A.GGUF");
    assert_int_equal(files_open(&files, "/MODELS/A.GGUF", &file, error), PLATFORM_OK);
    int opened = later.open_volumes;
    assert_int_equal(files_list(&files, "/MODELS", 0, &entry, error), PLATFORM_OK);
    assert_int_equal(later.open_volumes, opened); /* found: not looked for again */
    files_close(&files, &file);
    files_end(&files);
    assert_int_equal(boots.open_handles + later.open_handles, 0);
}

/* ---- Several volumes ---- */

static const uint8_t partition_2[] = {USB(1), PARTITION(2), PATH_END};
static const uint8_t partition_3[] = {USB(1), PARTITION(3), PATH_END};
static const uint8_t other_drive[] = {USB(2), PARTITION(1), PATH_END};

static const struct fake_node settings_only[] = {{"", "BOOTLLAM.CFG", 7}};
static const struct fake_node model_only[] = {{"", "MODELS", -1}, {"MODELS", "B.GGUF", 100}};
static const struct fake_node nothing[] = {{"", "NOTES.TXT", 3}};

/* The program's volume first, then its drive's in the order of partitions, whatever order the firmware lists them in,
   then other drives'. */
static void one_rule_says_which_volume_gives_what(void **state)
{
    static const struct {
        const struct fake_node *start, *first, *third, *other; /* partition 2 is the program's */
        uint64_t settings, model;
    } cases[] = {
        {stick, model_only, model_only, stick, 19, 3 * (1 << 20) + 777},
        {settings_only, model_only, stick, stick, 7, 100},
        {nothing, stick, model_only, settings_only, 19, 3 * (1 << 20) + 777},
        {nothing, settings_only, stick, model_only, 7, 3 * (1 << 20) + 777},
        {nothing, nothing, model_only, stick, 0, 100},
        {nothing, nothing, settings_only, model_only, 7, 100},
        {nothing, nothing, nothing, stick, 19, 3 * (1 << 20) + 777},
        {nothing, nothing, nothing, settings_only, 0, 0},
    };
    static const uint8_t *const paths[] = {other_drive, partition_3, partition_1, partition_2};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct fake_node *nodes[] = {cases[i].other, cases[i].third, cases[i].first, cases[i].start};
        struct fake_volume volumes[COUNT_OF(nodes)];
        struct files files;

        fake_reset();
        for (size_t k = 0; k < COUNT_OF(nodes); k++) {
            const size_t count = nodes[k] == stick           ? STICK_NODES
                                 : nodes[k] == settings_only ? COUNT_OF(settings_only)
                                 : nodes[k] == model_only    ? COUNT_OF(model_only)
                                                             : COUNT_OF(nothing);
            volumes[k] = fake_volume_of(nodes[k], count);
            fake_plug_in(&volumes[k]);
            fake.handles[k].device_path = paths[k];
        }
        files_begin(&files, &fake_boot, &fake.handles[3], &fake_clock);
        stick_check(&files, cases[i].settings, cases[i].model);
        files_end(&files);
        for (size_t k = 0; k < COUNT_OF(nodes); k++) {
            assert_int_equal(volumes[k].open_handles, 0);
        }
    }
}

static void runs_without_a_boot_volume(void **state)
{
    struct fake_volume holds = fake_volume_of(stick, STICK_NODES);
    struct files files;
    struct platform_file file;
    char error[96];

    (void)state;
    fake_reset();
    files_begin(&files, &fake_boot, NULL, &fake_clock); /* nothing at all */
    assert_int_equal(files_open(&files, "/MODELS/A.GGUF", &file, error), PLATFORM_NOT_FOUND);
    files_end(&files);
    fake_plug_in(&holds);
    files_begin(&files, &fake_boot, NULL, &fake_clock);
    assert_int_equal(files_open(&files, "/BOOTLLAM.CFG", &file, error), PLATFORM_OK);
    files_close(&files, &file);
    files_end(&files);
    assert_int_equal(holds.open_handles, 0);
}

static void runs_with_little_memory(void **state)
{
    struct session session;

    (void)state;
    fake_reset();
    fake.memory_limit = 16384;
    stick_begin(&session);
    assert_int_equal(stick_read(&session, "/MODELS/A.GGUF", 1 << 20), PLATFORM_OK);
    assert_int_equal(session.volume.largest_read, 16384);
    stick_end(&session);
    fake_reset();
    fake.memory_limit = 0;
    stick_begin(&session);
    assert_int_equal(stick_read(&session, "/MODELS/A.GGUF", 1 << 20), PLATFORM_IO_ERROR);
    assert_string_equal(session.error, "EFI_OUT_OF_RESOURCES reading byte 0");
    stick_end(&session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_in_bounded_pieces),
        cmocka_unit_test(reads_anywhere),
        cmocka_unit_test(whole_pieces_are_not_copied),
        cmocka_unit_test(survives_one_failure),
        cmocka_unit_test(reports_a_lasting_failure),
        cmocka_unit_test(detects_a_lie_about_a_short_end),
        cmocka_unit_test(reads_sata_with_a_margin),
        cmocka_unit_test(opens_what_is_there),
        cmocka_unit_test(lists_directories),
        cmocka_unit_test(takes_models_from_another_volume),
        cmocka_unit_test(leavings_are_no_models),
        cmocka_unit_test(a_model_that_cannot_be_read_is_one),
        cmocka_unit_test(connects_controllers),
        cmocka_unit_test(finds_a_stick_plugged_in_later),
        cmocka_unit_test(one_rule_says_which_volume_gives_what),
        cmocka_unit_test(runs_without_a_boot_volume),
        cmocka_unit_test(runs_with_little_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
