/* core/reader.c over files in memory. */
#include "unit.h"

#include "base/error.h"
#include "gguf/reader.h"
#include "memory_platform.h"

enum { FILE_BYTES = 5000, WINDOW = 1024, ROOM = 200 };

struct fixture {
    struct memory_platform memory;
    struct memory_file file;
    struct reader reader;
    struct error error;
    uint8_t data[FILE_BYTES], in_front[ROOM], window[WINDOW];
};

static void open_reader(struct fixture *f, uint32_t window_bytes)
{
    for (int i = 0; i < FILE_BYTES; i++) {
        f->data[i] = (uint8_t)(i * 31 >> 3);
    }
    f->file = (struct memory_file){"/A", f->data, FILE_BYTES};
    memory_platform_init(&f->memory, &f->file, 1);
    assert_int_equal(reader_open(&f->reader, &f->memory.platform, "/A", f->window, window_bytes, &f->error), 0);
    assert_int_equal(reader_left(&f->reader), FILE_BYTES);
}

static void reads_in_order_once(void **state)
{
    static struct fixture f;
    uint8_t bytes[700];
    uint32_t position = 0;
    (void)state;
    open_reader(&f, WINDOW);
    for (uint32_t n = 0; position + n <= FILE_BYTES; n = (n * 5 + 3) % sizeof bytes) {
        assert_int_equal(reader_get(&f.reader, bytes, n, &f.error), 0);
        assert_memory_equal(bytes, f.data + position, n);
        position += n;
        assert_int_equal(reader_left(&f.reader), FILE_BYTES - position);
    }
    assert_int_equal(reader_get(&f.reader, bytes, FILE_BYTES - position, &f.error), 0);
    assert_int_equal(f.memory.bytes_read, FILE_BYTES);
    assert_int_equal(f.memory.reads, 5);
    reader_close(&f.reader);
    assert_int_equal(f.memory.open_files, 0);
}

static void seeks_and_skips(void **state)
{
    static struct fixture f;
    uint8_t byte;
    (void)state;
    for (uint32_t window = 1; window <= WINDOW; window = window * 3 + 1) {
        open_reader(&f, window);
        for (uint32_t at = 4999, k = 0; k < 200; k++, at = (at * 7 + 1234) % FILE_BYTES) {
            assert_int_equal(reader_seek(&f.reader, at, &f.error), 0);
            assert_int_equal(reader_get(&f.reader, &byte, 1, &f.error), 0);
            assert_int_equal(byte, f.data[at]);
        }
        assert_int_equal(reader_seek(&f.reader, 100, &f.error), 0);
        assert_int_equal(reader_skip(&f.reader, 3000, &f.error), 0);
        assert_int_equal(reader_get(&f.reader, &byte, 1, &f.error), 0);
        assert_int_equal(byte, f.data[3100]);
        reader_close(&f.reader);
    }
}

static void a_read_longer_than_the_window(void **state)
{
    static struct fixture f;
    uint8_t all[FILE_BYTES];
    (void)state;
    open_reader(&f, WINDOW);
    assert_int_equal(reader_get(&f.reader, all, FILE_BYTES, &f.error), 0);
    assert_memory_equal(all, f.data, FILE_BYTES);
    assert_int_equal(reader_get(&f.reader, all, 0, &f.error), 0);
}

/* The same bytes by views of all lengths, most of them in the window itself. */
static void views(void **state)
{
    static struct fixture f;
    uint8_t room[211];
    uint32_t position = 0, copies = 0, count = 0;
    (void)state;
    open_reader(&f, WINDOW);
    for (uint32_t n = 1; position + n <= FILE_BYTES; n = n * 5 % 211, count++) {
        const uint8_t *bytes = reader_view(&f.reader, room, n, &f.error);
        assert_non_null(bytes);
        assert_true(bytes == room || (bytes >= f.window && bytes + n <= f.window + WINDOW));
        assert_memory_equal(bytes, f.data + position, n);
        position += n;
        copies += bytes == room;
        assert_int_equal(reader_left(&f.reader), FILE_BYTES - position);
    }
    assert_true(copies > 2 && copies < count / 2);
    assert_int_equal(f.memory.bytes_read, FILE_BYTES);
    assert_null(reader_view(&f.reader, room, FILE_BYTES - position + 1, &f.error));
    assert_string_equal(f.error.text, "/A: the file ends too early, at byte 5000; copy it again");
    f.memory.bad_to = FILE_BYTES;
    f.reader.window_used = 0;
    assert_null(reader_view(&f.reader, room, 1, &f.error));
}

/* With room in front of the window for the beginning of a view, hardly any is copied. */
static void views_with_room_in_front(void **state)
{
    enum { LONGEST = 211 };
    static struct fixture f;
    uint8_t room[LONGEST];
    uint32_t position = 0, begun = 0, copies = 0;
    (void)state;
    open_reader(&f, WINDOW);
    reader_use(&f.reader, f.window, WINDOW, ROOM);
    for (uint32_t n = LONGEST; position + n <= FILE_BYTES; n = n * 4 % LONGEST + 1) {
        const uint32_t reads = f.memory.reads,
                       left = f.reader.window_used - (position - (uint32_t)f.reader.window_start);
        const uint8_t *bytes = reader_view(&f.reader, room, n, &f.error);
        assert_non_null(bytes);
        assert_true(bytes == room ? left > ROOM && n > left : bytes >= f.in_front && bytes + n <= f.window + WINDOW);
        assert_memory_equal(bytes, f.data + position, n);
        assert_true(bytes == room || (uintptr_t)(bytes - f.window) % 4 == position % 4);
        copies += bytes == room;
        begun += bytes < f.window;
        position += n;
        assert_true(f.memory.reads <= reads + 1);
    }
    assert_true(begun >= 3);
    assert_int_equal(copies, 0);
    assert_int_equal(reader_get(&f.reader, room, FILE_BYTES - position, &f.error), 0);
    assert_memory_equal(room, f.data + position, FILE_BYTES - position);
    assert_int_equal(f.memory.bytes_read, FILE_BYTES); /* none twice */
    assert_int_equal(f.memory.reads, 5);
}

/* Views that are too long for room and window, or begin with more bytes than there is room for. */
static void views_that_do_not_fit(void **state)
{
    static struct fixture f;
    static uint8_t room[ROOM + WINDOW + 1];
    (void)state;
    open_reader(&f, WINDOW);
    reader_use(&f.reader, f.window, WINDOW, ROOM);
    assert_ptr_equal(reader_view(&f.reader, room, 0, &f.error), room);
    assert_int_equal(reader_seek(&f.reader, WINDOW - ROOM, &f.error), 0);
    assert_ptr_equal(reader_view(&f.reader, room, 1, &f.error), f.window + WINDOW / 2 - ROOM);
    assert_ptr_equal(reader_view(&f.reader, room, ROOM + WINDOW, &f.error), room);
    assert_memory_equal(room, f.data + WINDOW - ROOM + 1, ROOM + WINDOW);
    open_reader(&f, WINDOW);
    reader_use(&f.reader, f.window, WINDOW, ROOM);
    for (uint32_t kept = ROOM - 1; kept <= ROOM + 1; kept++) {
        assert_int_equal(reader_seek(&f.reader, 0, &f.error), 0);
        f.reader.window_used = 0;
        assert_ptr_equal(reader_view(&f.reader, room, WINDOW - kept, &f.error), f.window);
        assert_ptr_equal(reader_view(&f.reader, room, kept + 1, &f.error), kept > ROOM ? room : f.window - kept);
        assert_ptr_equal(reader_view(&f.reader, room, 1, &f.error), f.window + 1);
        assert_memory_equal(f.window + 1, f.data + WINDOW + 1, 1);
        assert_int_equal(reader_seek(&f.reader, WINDOW - kept, &f.error), 0); /* back to what was in front of it */
        assert_ptr_equal(reader_view(&f.reader, room, 7, &f.error),
                         kept > ROOM ? f.window + WINDOW / 2 - kept : f.window - kept);
        assert_memory_equal(kept > ROOM ? f.window + WINDOW / 2 - kept : f.window - kept, f.data + WINDOW - kept, 7);
    }
    assert_ptr_equal(reader_view(&f.reader, room, 0, &f.error), f.window + WINDOW / 2 - ROOM - 1 + 7);
    assert_null(reader_view(&f.reader, room, FILE_BYTES, &f.error));
    assert_string_equal(f.error.text, "/A: the file ends too early, at byte 5000; copy it again");
}

/* A read that fails leaves nothing of the view behind. */
static void a_view_whose_rest_cannot_be_read(void **state)
{
    static struct fixture f;
    uint8_t room[WINDOW];
    (void)state;
    open_reader(&f, WINDOW);
    reader_use(&f.reader, f.window, WINDOW, ROOM);
    assert_ptr_equal(reader_view(&f.reader, room, WINDOW - 100, &f.error), f.window);
    f.memory.bad_from = WINDOW;
    f.memory.bad_to = WINDOW + 1;
    assert_null(reader_view(&f.reader, room, 101, &f.error));
    assert_string_equal(f.error.text, "/A: cannot be read at byte 1024: bad sector");
    f.memory.bad_to = 0;
    assert_ptr_equal(reader_view(&f.reader, room, 101, &f.error), f.window + WINDOW / 2 - 100);
    assert_memory_equal(f.window + WINDOW / 2 - 100, f.data + WINDOW - 100, 101);
}

static void the_end_is_an_error(void **state)
{
    static const char ends[] = "/A: the file ends too early, at byte 5000; copy it again";
    static struct fixture f;
    uint8_t bytes[11];
    (void)state;
    open_reader(&f, WINDOW);
    assert_int_equal(reader_seek(&f.reader, 4990, &f.error), 0);
    assert_int_equal(reader_get(&f.reader, bytes, 11, &f.error), -1);
    assert_string_equal(f.error.text, ends);
    assert_int_equal(reader_left(&f.reader), 10);
    f.error.text[0] = '\0';
    assert_int_equal(reader_skip(&f.reader, UINT64_MAX, &f.error), -1);
    assert_string_equal(f.error.text, ends);
    f.error.text[0] = '\0';
    assert_int_equal(reader_seek(&f.reader, 5001, &f.error), -1);
    assert_string_equal(f.error.text, ends);
    assert_int_equal(reader_seek(&f.reader, 5000, &f.error), 0);
    assert_int_equal(reader_get(&f.reader, bytes, 1, &f.error), -1);
}

static void a_bad_sector_is_an_error(void **state)
{
    static struct fixture f;
    uint8_t bytes[8];
    (void)state;
    open_reader(&f, WINDOW);
    f.memory.bad_from = 2048;
    f.memory.bad_to = 2560;
    assert_int_equal(reader_get(&f.reader, bytes, 8, &f.error), 0);
    assert_int_equal(reader_seek(&f.reader, 2044, &f.error), 0);
    assert_int_equal(reader_get(&f.reader, bytes, 8, &f.error), -1);
    assert_string_equal(f.error.text, "/A: cannot be read at byte 1536: bad sector");
    f.memory.bad_to = 0; /* no data of the failed read is used afterwards */
    assert_int_equal(reader_seek(&f.reader, 0, &f.error), 0);
    assert_int_equal(reader_get(&f.reader, bytes, 8, &f.error), 0);
    assert_memory_equal(bytes, f.data, 8);
}

static int open_fails(struct platform *platform, const char *path, struct platform_file *file)
{
    (void)path;
    (void)file;
    strcpy(platform->error, "INT 13h status 10h");
    return PLATFORM_IO_ERROR;
}

static void opening_fails(void **state)
{
    static struct fixture f;
    (void)state;
    open_reader(&f, WINDOW);
    assert_int_equal(reader_open(&f.reader, &f.memory.platform, "/B", f.window, WINDOW, &f.error), -1);
    assert_string_equal(f.error.text, "/B: not found");
    f.memory.platform.open = open_fails;
    assert_int_equal(reader_open(&f.reader, &f.memory.platform, "/A", f.window, WINDOW, &f.error), -1);
    assert_string_equal(f.error.text, "/A: cannot be opened: INT 13h status 10h");
}

static bool stops_at_the_third(void *context)
{
    uint32_t *asked = context;
    return ++*asked == 3;
}

static int read_is_stopped(struct platform *platform, struct platform_file *file, uint64_t offset, void *buffer,
                           uint32_t bytes)
{
    (void)platform, (void)file, (void)offset, (void)buffer, (void)bytes;
    return PLATFORM_STOPPED;
}

/* Before each read of the platform, or by the platform itself. */
static void reading_can_be_stopped(void **state)
{
    static struct fixture f;
    uint8_t bytes[WINDOW];
    uint32_t asked = 0;
    (void)state;
    open_reader(&f, WINDOW);
    f.memory.platform.stop_asked = stops_at_the_third;
    f.memory.platform.stop_context = &asked;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(reader_get(&f.reader, bytes, WINDOW, &f.error), i < 2 ? 0 : -1);
    }
    assert_string_equal(f.error.text, "/A: loading was stopped");
    assert_int_equal(f.memory.reads, 2);
    assert_int_equal(reader_get(&f.reader, bytes, WINDOW, &f.error), 0); /* asked anew */
    f.memory.platform.read = read_is_stopped;
    assert_int_equal(reader_get(&f.reader, bytes, WINDOW, &f.error), -1);
    assert_string_equal(f.error.text, "/A: loading was stopped");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_in_order_once),
        cmocka_unit_test(seeks_and_skips),
        cmocka_unit_test(a_read_longer_than_the_window),
        cmocka_unit_test(views),
        cmocka_unit_test(views_with_room_in_front),
        cmocka_unit_test(views_that_do_not_fit),
        cmocka_unit_test(a_view_whose_rest_cannot_be_read),
        cmocka_unit_test(the_end_is_an_error),
        cmocka_unit_test(a_bad_sector_is_an_error),
        cmocka_unit_test(opening_fails),
        cmocka_unit_test(reading_can_be_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
