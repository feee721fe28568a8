/* core/gguf/split.c and the reader's parts: split models as one, and parts that do not belong together. */
#include "unit.h"

#include "base/error.h"
#include "gguf/header.h"
#include "memory_platform.h"
#include "sample_model.h"

enum { WINDOW = 1024, PARTS_MAX = 30 };

static const struct change none[SAMPLE_CHANGES];

static struct fixture {
    struct memory_platform memory;
    struct memory_file files[PARTS_MAX];
    char paths[PARTS_MAX][40];
    uint32_t parts;
    struct reader reader;
    struct error error;
    struct gguf gguf;
    uint8_t window[WINDOW];
} f;

/* The sample in `parts` parts, of which one is changed. */
static void begin(uint32_t parts, uint32_t changed, const struct change changes[SAMPLE_CHANGES])
{
    memset(&f, 0, sizeof f);
    f.parts = parts;
    for (uint32_t i = 0; i < parts; i++) {
        size_t size;
        const void *bytes = sample_part(i == changed ? changes : none, i, parts, &size);
        snprintf(f.paths[i], sizeof f.paths[i], "/M-%05u-of-%05u.gguf", i + 1, parts);
        f.files[i] = (struct memory_file){f.paths[i], bytes, size};
    }
    memory_platform_init(&f.memory, f.files, parts);
}

static int read_header(void)
{
    assert_int_equal(reader_open(&f.reader, &f.memory.platform, f.paths[0], f.window, WINDOW, &f.error), 0);
    return gguf_read(&f.gguf, &f.reader, &f.error);
}

static void end(void)
{
    reader_close(&f.reader);
    assert_int_equal(f.memory.open_files, 0);
    for (uint32_t i = 0; i < f.parts; i++) {
        free((void *)(uintptr_t)f.files[i].data);
    }
}

/* Fills the tensor with its number, where it lies in its part. */
static void mark(uint32_t id)
{
    const struct gguf_tensor *tensor = &f.gguf.tensor[id];
    uint64_t start = 0;
    for (uint32_t part = 0; part < tensor->part; part++) {
        start =
            (start + f.files[part].size + READER_PART_ALIGNMENT - 1) / READER_PART_ALIGNMENT * READER_PART_ALIGNMENT;
    }
    memset((uint8_t *)(uintptr_t)f.files[tensor->part].data + (tensor->offset - start), (int)id + 1, tensor->size);
}

/* However many parts there are, some of them perhaps without a tensor, every tensor is found in its own, and only one
   part is open at a time. */
static void parts_are_read_as_one(void **state)
{
    static const uint32_t counts[] = {1, 2, 3, 7, 21, 30};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(counts); i++) {
        uint64_t bytes = 0;
        begin(counts[i], PARTS_MAX, none);
        if (read_header() != 0) {
            fail_test("refused: %s\n", f.error.text);
        }
        for (uint32_t part = 0; part < counts[i]; part++) {
            bytes += f.files[part].size;
        }
        assert_true(f.gguf.bytes == bytes);
        assert_int_equal(f.gguf.parts, counts[i]);
        assert_string_equal(f.reader.path, f.paths[0]);
        for (uint32_t id = 0; id < f.gguf.tensor_count; id++) {
            if (f.gguf.tensor[id].type != GGUF_TYPE_ABSENT) {
                mark(id);
            }
        }
        f.reader.window_used = 0;
        for (uint32_t k = 0; k < f.gguf.tensor_count; k++) {
            const uint32_t id = k * 5 % f.gguf.tensor_count; /* back and forth */
            uint8_t first, last;
            if (f.gguf.tensor[id].type == GGUF_TYPE_ABSENT) {
                continue;
            }
            const uint64_t at = f.gguf.tensor[id].offset;
            assert_int_equal(reader_seek(&f.reader, at, &f.error), 0);
            assert_int_equal(reader_get(&f.reader, &first, 1, &f.error), 0);
            assert_int_equal(reader_seek(&f.reader, at + f.gguf.tensor[id].size - 1, &f.error), 0);
            assert_int_equal(reader_get(&f.reader, &last, 1, &f.error), 0);
            assert_true(first == id + 1 && last == id + 1);
            assert_int_equal(f.memory.open_files, 1);
        }
        end();
    }
}

/* Every part has its own alignment: gguf-split writes the key into the first one alone. */
static void parts_have_their_own_alignment(void **state)
{
    static const struct change wide[SAMPLE_CHANGES] = {{KEY_NUMBER, "general.alignment", U32, 8}};
    (void)state;
    for (uint32_t changed = 0; changed < 2; changed++) {
        begin(2, changed, wide);
        if (read_header() != 0) {
            fail_test("refused: %s\n", f.error.text);
        }
        end();
    }
}

static void expect_refusal(const char *message)
{
    assert_int_equal(read_header(), -1);
    if (strcmp(f.error.text, message) != 0) {
        fail_test("says:   %s\nwanted: %s\n", f.error.text, message);
    }
    end();
}

/* A part that is not there is named, whichever it is. */
static void a_missing_part_is_named(void **state)
{
    (void)state;
    for (uint32_t missing = 1; missing < 3; missing++) {
        char message[100];
        begin(3, PARTS_MAX, none);
        snprintf(f.paths[missing], sizeof f.paths[missing], "/other");
        snprintf(message, sizeof message, "/M-%05u-of-00003.gguf: part %u of 3 is missing; copy it there as well",
                 missing + 1, missing + 1);
        expect_refusal(message);
    }
}

#define P1 "/M-00001-of-00003.gguf: "
#define P2 "/M-00002-of-00003.gguf: "
#define OTHER ": this is not part 2 of that model"

static void parts_that_do_not_belong_together(void **state)
{
    static const struct {
        const char *message;
        uint32_t part; /* that is changed, from 0 */
        struct change changes[SAMPLE_CHANGES];
    } cases[] = {
        {P2 "split.no is 0 instead of 1" OTHER, 1, {{KEY_NUMBER, "split.no", U16, 0}}},
        {P2 "split.no is 2 instead of 1" OTHER, 1, {{KEY_NUMBER, "split.no", U16, 2}}},
        {P2 "split.count is 4 instead of 3" OTHER, 1, {{KEY_NUMBER, "split.count", U16, 4}}},
        {P2 "split.tensors.count is 22 instead of 21" OTHER, 1, {{KEY_NUMBER, "split.tensors.count", I32, 22}}},
        {P2 "split.no is missing" OTHER, 1, {{KEY_REMOVE, "split.no"}}},
        {P2 "split.count is missing" OTHER, 1, {{KEY_REMOVE, "split.count"}}},
        {P2 "split.tensors.count is missing" OTHER, 1, {{KEY_REMOVE, "split.tensors.count"}}},
        {P2 "split.no appears twice", 1, {{KEY_TWICE, "split.no"}}},
        {P2 "split.no is not a whole number", 1, {{KEY_TEXT, "split.no", .text = "1"}}},
        {P2 "split.no has unknown value type 13", 1, {{KEY_RAW, "split.no", 13, .text = "01"}}},
        {P2 "split.tensors.count is not between 0 and 4294967295",
         1,
         {{KEY_NUMBER, "split.tensors.count", I32, 0xFFFFFFFF}}},
        {P2 "general.alignment is 12; allowed are powers of two from 8 to 1048576",
         1,
         {{KEY_NUMBER, "general.alignment", U32, 12}}},
        {P2 "not a GGUF model file", 1, {{MAGIC, .text = "gguf"}}},
        {P2 "GGUF version 1; supported are 2 and 3, little-endian", 1, {{VERSION, .a = 1}}},
        {P2 "the file ends too early, at byte 20; copy it again", 1, {{CUT, .b = 20}}},
        {P2 "not a GGUF model file", 1, {{CUT, .b = 0}}},
        {P2 "blk.1.attn_q.weight reaches beyond the end of the file; copy it again", 1, {{CUT_DATA, .b = 2300}}},
        {P2 "keys number 1000000, more than the file can hold; copy it again", 1, {{KEY_COUNT, .b = 1000000}}},
        {P2 "tensors number 1000000, more than the file can hold; copy it again", 1, {{TENSOR_COUNT, .b = 1000000}}},
        {P2 "blk.0.ffn_up.weight appears twice", 1, {{TENSOR_TWICE, "blk.0.ffn_up.weight"}}},
        {P2 "token_embd.weight appears twice",
         1,
         {{TENSOR_RENAME, "blk.0.ffn_up.weight", .text = "token_embd.weight"}}},
        {P2 "blk.0.ffn_up.weight has shape 32 x 65 x 1 x 1; the hyper-parameters ask for 32 x 64",
         1,
         {{TENSOR_SHAPE, "blk.0.ffn_up.weight", 32, 65}}},
        {P1 "split.tensors.count is 21, but its parts hold 20; copy all of them again",
         1,
         {{TENSOR_REMOVE, "blk.0.ffn_up.weight"}}},
        {P1 "split.tensors.count is 21, but its parts hold 20; copy all of them again",
         2,
         {{TENSOR_REMOVE, "output.weight"}}},
        {P1 "split.no is 1: this is part 2 of a model, which begins with part 1; copy all of its parts there",
         0,
         {{KEY_NUMBER, "split.no", U16, 1}}},
        {P1 "split.count is 2, but the file's name does not end in -00001-of-00002.gguf: give all parts the names that "
            "they had",
         0,
         {{KEY_NUMBER, "split.count", U16, 2}}},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        begin(3, cases[i].part, cases[i].changes);
        expect_refusal(cases[i].message);
    }
}

/* The first part alone may say that it is no part at all. */
static void a_model_that_is_one_part(void **state)
{
    static const struct change renamed[SAMPLE_CHANGES] = {{KEY_NUMBER, "split.count", U16, 1}};
    (void)state;
    begin(1, 0, renamed);
    strcpy(f.paths[0], "/renamed.gguf");
    assert_int_equal(read_header(), 0);
    assert_int_equal(f.gguf.parts, 1);
    end();
}

/* Whoever takes a part away after its header was read gets a line that says which. */
static void a_part_that_goes_away_or_changes(void **state)
{
    uint8_t byte;
    (void)state;
    begin(3, PARTS_MAX, none);
    assert_int_equal(read_header(), 0);
    const uint64_t at = f.gguf.tensor[GGUF_TENSOR_OUTPUT].offset;
    assert_int_equal(reader_seek(&f.reader, 0, &f.error), 0);
    f.reader.window_used = 0;
    assert_int_equal(reader_get(&f.reader, &byte, 1, &f.error), 0); /* another part is open now */
    f.files[2].size++;
    assert_int_equal(reader_seek(&f.reader, at, &f.error), 0);
    assert_int_equal(reader_get(&f.reader, &byte, 1, &f.error), -1);
    assert_string_equal(f.error.text, "/M-00003-of-00003.gguf: it has another size than before; try again");
    f.files[2].size--;
    f.paths[2][1] = 'X';
    assert_int_equal(reader_seek(&f.reader, 0, &f.error), 0);
    f.reader.window_used = 0;
    assert_int_equal(reader_get(&f.reader, &byte, 1, &f.error), 0);
    assert_int_equal(reader_seek(&f.reader, at, &f.error), 0);
    assert_int_equal(reader_get(&f.reader, &byte, 1, &f.error), -1);
    assert_string_equal(f.error.text, "/M-00003-of-00003.gguf: part 3 of 3 is missing; copy it there as well");
    assert_int_equal(f.memory.open_files, 0);
    end();
    begin(2, PARTS_MAX, none);
    assert_int_equal(read_header(), 0);
    f.memory.bad_to = 1 << 20;
    assert_int_equal(reader_seek(&f.reader, f.gguf.tensor[GGUF_TENSOR_OUTPUT].offset, &f.error), 0);
    f.reader.window_used = 0;
    assert_int_equal(reader_get(&f.reader, &byte, 1, &f.error), -1);
    assert_memory_equal(f.error.text, "/M-00002-of-00002.gguf: cannot be read at byte ", 47);
    end();
}

/* ---- Parts above 4 GiB ---- */

static const uint64_t huge = 6ull << 30;

static int open_huge(struct platform *platform, const char *path, struct platform_file *file)
{
    struct model_part part;
    (void)platform;
    assert_true(model_part_of(path, &part));
    *file = (struct platform_file){.size = huge + part.number, .state = {part.number}};
    return PLATFORM_OK;
}

static void close_huge(struct platform *platform, struct platform_file *file)
{
    (void)platform;
    (void)file;
}

static uint8_t huge_byte(uint64_t number, uint64_t at)
{
    return (uint8_t)(number * 7 + at * 0x9E3779B97F4A7C15u / (1ull << 56) + (at >> 32));
}

static int read_huge(struct platform *platform, struct platform_file *file, uint64_t offset, void *buffer, uint32_t n)
{
    (void)platform;
    assert_true(offset + n <= file->size);
    for (uint32_t i = 0; i < n; i++) {
        ((uint8_t *)buffer)[i] = huge_byte(file->state[0], offset + i);
    }
    return PLATFORM_OK;
}

static void parts_above_4_gib(void **state)
{
    struct platform platform = {.open = open_huge, .close = close_huge, .read = read_huge};
    static uint8_t window[WINDOW];
    struct reader reader;
    struct error error;
    (void)state;
    assert_int_equal(reader_open(&reader, &platform, "/h-00001-of-00128.gguf", window, sizeof window, &error), 0);
    for (uint32_t part = 1; part < MODEL_PARTS_MAX; part++) {
        assert_int_equal(reader_add_part(&reader, &error), 0);
        assert_true(reader_part_start(&reader) == part * (huge + READER_PART_ALIGNMENT));
    }
    assert_true(reader_total(&reader) == 128 * huge + 128 * 129 / 2);
    for (uint32_t part = 0; part < MODEL_PARTS_MAX; part += 9) {
        for (uint64_t at = 0; at < huge; at += huge / 5) {
            uint8_t bytes[3];
            const uint64_t start = part * (huge + READER_PART_ALIGNMENT);
            assert_int_equal(reader_seek(&reader, start + at, &error), 0);
            assert_true(reader_left(&reader) == huge + part + 1 - at);
            assert_int_equal(reader_get(&reader, bytes, 3, &error), 0);
            for (uint32_t i = 0; i < 3; i++) {
                assert_int_equal(bytes[i], huge_byte(part + 1, at + i));
            }
        }
        assert_int_equal(reader_skip(&reader, huge, &error), -1); /* not into the next part */
    }
    reader_close(&reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_read_as_one),    cmocka_unit_test(parts_have_their_own_alignment),
        cmocka_unit_test(a_missing_part_is_named),  cmocka_unit_test(parts_that_do_not_belong_together),
        cmocka_unit_test(a_model_that_is_one_part), cmocka_unit_test(a_part_that_goes_away_or_changes),
        cmocka_unit_test(parts_above_4_gib),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
