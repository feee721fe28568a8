/* Characters that the firmware's font lacks: edk2's graphics console claims to have every one, and leaves out those. */
#include "unit.h"

#include "uefi/screen.h"

static CHAR16 shown[16];

static EFI_STATUS EFIAPI fake_output(SIMPLE_TEXT_OUTPUT_INTERFACE *out, CHAR16 *text)
{
    (void)out;
    for (size_t i = 0; i == 0 || text[i - 1] != 0; i++) {
        assert_true(i < COUNT_OF(shown));
        shown[i] = text[i];
    }
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI has_everything(SIMPLE_TEXT_OUTPUT_INTERFACE *out, CHAR16 *text)
{
    (void)out, (void)text;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI fake_enable_cursor(SIMPLE_TEXT_OUTPUT_INTERFACE *out, BOOLEAN on)
{
    (void)out, (void)on;
    return EFI_SUCCESS;
}

/* A font of Latin-1. It gives an image of what stands for a character that it lacks. */
static struct {
    bool has_screen, is_there, fails;
    int blocks; /* of its images, not freed */
} font;

struct fake_image {
    UINT16 width, height;
    void *bitmap;
};

static EFI_STATUS EFIAPI fake_get_glyph(void *self, CHAR16 character, void *info, void **image, UINTN *baseline)
{
    static struct fake_image glyph;

    assert_non_null(self);
    assert_true(*image == NULL && info == NULL && baseline == NULL);
    if (font.fails) {
        return EFI_OUT_OF_RESOURCES;
    }
    glyph = (struct fake_image){8, 19, &font};
    font.blocks += 2;
    *image = &glyph;
    return character < 0x100 ? EFI_SUCCESS : EFI_WARN_UNKNOWN_GLYPH;
}

static EFI_STATUS EFIAPI free_image(VOID *memory)
{
    assert_non_null(memory);
    font.blocks--;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI locate(EFI_GUID *guid, VOID *key, VOID **found)
{
    static void *protocol[] = {NULL, NULL, fake_get_glyph, NULL};
    const bool is_screen = guid->Data1 == 0x9042A9DE; /* EFI_GRAPHICS_OUTPUT_PROTOCOL */

    assert_null(key);
    assert_true(is_screen || guid->Data1 == 0xE9CA4775);
    *found = protocol;
    return (is_screen ? font.has_screen : font.is_there) ? EFI_SUCCESS : EFI_NOT_FOUND;
}

/* Writes "aé", an omega, 株 and a full stop. */
static void shows(const CHAR16 *expected, size_t size)
{
    static const char text[] = "a\xC3\xA9\xCE\xA9\xE6\xA0\xAA.";
    SIMPLE_TEXT_OUTPUT_INTERFACE out = {
        .OutputString = fake_output, .TestString = has_everything, .EnableCursor = fake_enable_cursor};
    EFI_BOOT_SERVICES boot = {.LocateProtocol = locate, .FreePool = free_image};
    EFI_SYSTEM_TABLE table = {.ConOut = &out, .BootServices = &boot};
    struct screen screen;

    screen_open(&screen, &table);
    screen_put(&screen, text, sizeof text - 1);
    screen_flush(&screen);
    assert_memory_equal(shown, expected, size);
    assert_int_equal(font.blocks, 0);
}

static void marks_what_the_font_lacks(void **state)
{
    static const CHAR16 some[] = u"a\u00E9???.", all[] = u"a\u00E9\u03A9\u682A.";

    (void)state;
    font.has_screen = font.is_there = true;
    shows(some, sizeof some);
    font.fails = true;
    shows(all, sizeof all);
    font.fails = false;
    font.is_there = false;
    shows(all, sizeof all);
    font.is_there = true;
    font.has_screen = false; /* the terminals alone decide */
    shows(all, sizeof all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(marks_what_the_font_lacks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
