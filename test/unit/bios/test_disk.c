/* bios/disk.c over a BIOS that fails in every way: a read returns the right data or an error in bounded time. */
#include "unit.h"

#include <sys/mman.h>

#include "bios_call.h"
#include "clock.h"
#include "disk.h"
#include "layout.h"

enum {
    SECTOR = 512,
    SECTORS_PER_TRACK = 63,
    HEADS = 16,
    CALLS_MAX = 500,
    BIOS_SECOND = 1000000,
};

static struct {
    bool has_edd;
    uint32_t block;          /* sectors of 512 bytes in one of its own */
    uint32_t sector_bytes;   /* as it says; 0 = it does not know the call */
    uint32_t largest;        /* sectors in one call; more fail. 0 = all fail */
    uint32_t bad, bad_count; /* sectors that cannot be read */
    uint32_t passing;        /* reads that fail before one works */
    bool lies;               /* EDD takes the call without an error and reads less */
    bool chs_only;           /* EDD is there, but its reads fail */
    uint8_t status;          /* of reads that fail */
    uint64_t slowness;       /* microseconds that a read takes that fails */
    uint32_t calls, resets;  /* reads, resets */
    uint32_t place;          /* where reads have to go to: those of one disk_read follow each other in the window */
    uint64_t now;
    uint32_t stop_after; /* reads, 0 = never */
} bios;

static struct disk disk;
static uint8_t out[400 * SECTOR];

uint64_t clock_microseconds(void)
{
    return bios.now;
}

static uint8_t content(uint32_t lba, uint32_t at)
{
    return (uint8_t)((lba * SECTOR + at) * 2654435761u >> 13);
}

/* What the BIOS does when it has read. */
static void fill(uint32_t segment, uint32_t lba, uint32_t count)
{
    uint8_t *place = (uint8_t *)(uintptr_t)(segment * 16);
    assert_int_equal(segment * 16, bios.place);
    assert_true((bios.place & 0xFFFF) + count * SECTOR <= 0x10000);
    for (uint32_t i = 0; i < count * SECTOR; i++)
        place[i] = content(lba + i / SECTOR, i % SECTOR);
    bios.place += bios.place < BOUNCE_ADDRESS ? count * SECTOR : 0;
}

/* Whether a read of these sectors works. */
static bool works(uint32_t lba, uint32_t count)
{
    bios.calls++;
    assert_true(bios.calls < CALLS_MAX && count > 0 && count <= WINDOW_SECTORS);
    const bool bad =
        count > bios.largest || (bios.bad_count > 0 && lba < bios.bad + bios.bad_count && bios.bad < lba + count);
    if (bad || bios.passing > 0) {
        bios.passing -= bios.passing > 0;
        bios.now += bios.slowness;
        return false;
    }
    return true;
}

static void fail_call(struct bios_regs *regs)
{
    regs->flags |= BIOS_CARRY;
    regs->eax = (uint32_t)bios.status << 8;
}

struct packet {
    uint16_t size, count, offset, segment;
    uint64_t lba;
};

/* What DS:SI points to lies on our stack: the registers hold its address modulo 1 MiB, and it is near. */
static void *pointed_to(const struct bios_regs *regs)
{
    uintptr_t here = (uintptr_t)&regs, low = (uintptr_t)regs->ds * 16 + regs->esi,
              at = (here & ~(uintptr_t)0xFFFFF) | low;
    if (at > here && at - here > 0x80000)
        at -= 0x100000;
    if (at < here && here - at > 0x80000)
        at += 0x100000;
    return (void *)at;
}

static void read_edd(struct bios_regs *regs)
{
    struct packet *packet = pointed_to(regs);
    const uint32_t lba = (uint32_t)packet->lba * bios.block, count = packet->count * bios.block;
    assert_true(packet->size == 16 && packet->offset == 0);
    if (bios.lies) {
        bios.calls++;
        packet->count /= 2;
        fill(packet->segment, lba, packet->count * bios.block);
    } else if (bios.chs_only || !works(lba, count)) {
        packet->count = 0; /* as SeaBIOS does: the packet is of no use any more */
        fail_call(regs);
    } else {
        fill(packet->segment, lba, count);
    }
}

static void read_chs(struct bios_regs *regs)
{
    const uint32_t sector = regs->ecx & 0x3F, head = regs->edx >> 8 & 0xFF, count = regs->eax & 0xFF;
    const uint32_t cylinder = (regs->ecx >> 8 & 0xFF) | (regs->ecx & 0xC0) << 2;
    const uint32_t lba = (cylinder * HEADS + head) * SECTORS_PER_TRACK + sector - 1;
    assert_true(sector >= 1 && sector + count - 1 <= SECTORS_PER_TRACK && head < HEADS);
    if (works(lba, count))
        fill(regs->es, lba, count);
    else
        fail_call(regs);
}

void bios_call(uint8_t vector, struct bios_regs *regs)
{
    assert_int_equal(vector, 0x13);
    assert_int_equal(regs->edx & 0xFF, 0x80);
    regs->flags = 0;
    switch (regs->eax >> 8 & 0xFF) {
    case 0x00:
        bios.resets++;
        return;
    case 0x02:
        read_chs(regs);
        return;
    case 0x08:
        regs->ecx = SECTORS_PER_TRACK;
        regs->edx = (HEADS - 1) << 8;
        return;
    case 0x41:
        regs->ebx = bios.has_edd ? 0xAA55 : 0;
        regs->ecx = 1;
        return;
    case 0x42:
        read_edd(regs);
        return;
    case 0x48:
        if (bios.sector_bytes == 0) {
            fail_call(regs);
        } else {
            assert_int_equal(*(uint16_t *)pointed_to(regs), 26);
            ((uint16_t *)pointed_to(regs))[12] = (uint16_t)bios.sector_bytes;
        }
        return;
    default:
        fail_test("INT 13h AH=%02x\n", (unsigned)(regs->eax >> 8 & 0xFF));
    }
}

static bool stop_asked(void *context)
{
    (void)context;
    return bios.stop_after > 0 && bios.calls >= bios.stop_after;
}

/* Window and bounce buffer. */
static int map_memory(void **state)
{
    (void)state;
    return mmap((void *)(uintptr_t)WINDOW_ADDRESS, STACK_BOTTOM - WINDOW_ADDRESS, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED;
}

static void begin_with_block(bool has_edd, uint32_t block)
{
    memset(&bios, 0, sizeof bios);
    bios.has_edd = has_edd;
    bios.block = block;
    bios.largest = WINDOW_SECTORS;
    bios.place = BOUNCE_ADDRESS;
    bios.status = 0x20;
    disk = (struct disk){.stop_asked = stop_asked};
    disk_init(&disk, 0x80, block);
    assert_int_equal(disk.has_edd, has_edd || block > 1);
    memset(out, 0, sizeof out);
}

static void begin(bool has_edd)
{
    begin_with_block(has_edd, 1);
}

static void expect_read(uint32_t lba, uint32_t count)
{
    assert_int_equal(disk_read(&disk, lba, count, out), DISK_OK);
    for (uint32_t i = 0; i < count * SECTOR; i++)
        assert_int_equal(out[i], content(lba + i / SECTOR, i % SECTOR));
}

static void expect_failure(uint32_t lba, uint32_t count, const char *error)
{
    assert_int_equal(disk_read(&disk, lba, count, out), DISK_FAILED);
    assert_string_equal(disk.error, error);
}

static void sectors_are_read_both_ways(void **state)
{
    (void)state;
    for (int edd = 0; edd < 2; edd++) {
        begin(edd);
        expect_read(0, 1);
        expect_read(60, 200);
        expect_read(1000, 64);
        assert_int_equal(bios.resets, 0);
    }
}

/* Wherever in the window: nothing goes through the bounce buffer, with errors or without. */
static void reads_into_the_window_go_straight_there(void **state)
{
    (void)state;
    for (int edd = 0; edd < 2; edd++) {
        for (uint32_t at = 0; at < WINDOW_SECTORS; at += 42) {
            uint8_t *target = (uint8_t *)(uintptr_t)WINDOW_ADDRESS + at * SECTOR;
            const uint32_t count = WINDOW_SECTORS - at;
            begin(edd);
            bios.place = WINDOW_ADDRESS + at * SECTOR;
            bios.passing = at / 21; /* up to six errors: the seventh try is by CHS where EDD is there */
            memset(target, 0, count * SECTOR);
            memset((uint8_t *)(uintptr_t)BOUNCE_ADDRESS, 0x55, BOUNCE_SECTORS * SECTOR);
            assert_int_equal(disk_read(&disk, 1000, count, target), edd || bios.passing < 6 ? DISK_OK : DISK_FAILED);
            for (uint32_t i = 0; i < count * SECTOR && (edd || at < 126); i++)
                assert_int_equal(target[i], content(1000 + i / SECTOR, i % SECTOR));
            for (uint32_t i = 0; i < BOUNCE_SECTORS * SECTOR; i++)
                assert_int_equal(((uint8_t *)(uintptr_t)BOUNCE_ADDRESS)[i], 0x55);
        }
    }
    begin(true);
    bios.place = WINDOW_ADDRESS;
    assert_int_equal(disk_read(&disk, 1000, WINDOW_SECTORS, (void *)(uintptr_t)WINDOW_ADDRESS), DISK_OK);
    assert_int_equal(bios.calls, 1);
}

/* What the BIOS cannot read to, or the window has no room for: through the bounce buffer. */
static void other_reads_go_through_the_bounce_buffer(void **state)
{
    uint8_t *window = (uint8_t *)(uintptr_t)WINDOW_ADDRESS;
    (void)state;
    begin(true);
    assert_int_equal(disk_read(&disk, 1000, WINDOW_SECTORS - 1, window + 8), DISK_OK); /* no segment's start */
    assert_int_equal(window[8 + 5 * SECTOR + 1], content(1005, 1));
    begin_with_block(false, 4); /* a CD */
    assert_int_equal(disk_read(&disk, 1000, WINDOW_SECTORS, window), DISK_OK);
    for (uint32_t i = 0; i < WINDOW_SECTORS * SECTOR; i++)
        assert_int_equal(window[i], content(1000 + i / SECTOR, i % SECTOR));
}

static void passing_errors_are_survived(void **state)
{
    (void)state;
    for (int edd = 0; edd < 2; edd++) {
        for (uint32_t errors = 1; errors <= 5; errors++) {
            begin(edd);
            bios.passing = errors;
            expect_read(100, 40);
            assert_int_equal(bios.resets, errors);
        }
    }
}

static void large_transfers_that_fail_become_smaller(void **state)
{
    (void)state;
    begin(true);
    bios.largest = 8;
    expect_read(100, 128);
    bios.calls = 0;
    expect_read(300, 64);
    assert_int_equal(bios.calls, 8); /* remembered */
    begin(true);
    bios.largest = LOADER_SECTORS;
    expect_read(0, BOUNCE_SECTORS);
    assert_int_equal(bios.resets, 1);
    bios.calls = 0;
    expect_read(300, 2 * LOADER_SECTORS);
    assert_int_equal(bios.calls, 2);
}

static void a_count_that_is_too_small_is_an_error(void **state)
{
    (void)state;
    begin(true);
    bios.lies = true;
    expect_read(63, 40); /* by CHS then */
    assert_false(disk.use_edd);
}

static void edd_that_does_not_read_is_left_for_chs(void **state)
{
    (void)state;
    begin(true);
    bios.chs_only = true;
    expect_read(63, 40);
    assert_false(disk.use_edd);
}

static void a_bad_sector_is_told(void **state)
{
    (void)state;
    for (int edd = 0; edd < 2; edd++) {
        begin(edd);
        bios.bad = 130;
        bios.bad_count = 1;
        bios.status = 0x10;
        expect_failure(100, 64, "INT 13h status 10h at LBA 130");
        assert_true(bios.calls < 60);
        expect_read(131, 33);
    }
}

/* Two seconds a try: no more than two of them, but the next read is tried. */
static void a_slow_bad_sector_is_no_drive_that_is_gone(void **state)
{
    (void)state;
    begin(true);
    bios.bad = 130;
    bios.bad_count = 1;
    bios.status = 0x10;
    bios.slowness = 2 * BIOS_SECOND;
    expect_failure(130, 1, "INT 13h status 10h at LBA 130");
    assert_int_equal(bios.calls, 2);
    assert_false(disk.is_gone);
    expect_read(131, 33);
}

/* Five seconds for one call, as SeaBIOS's UHCI driver takes on a busy machine. */
static void a_call_that_hangs_once_is_made_again(void **state)
{
    (void)state;
    for (int edd = 0; edd < 2; edd++) {
        begin(edd);
        bios.status = 0x80;
        bios.slowness = 5 * BIOS_SECOND;
        for (uint32_t lba = 0; lba < 600; lba += 200) {
            bios.passing = 1;
            expect_read(lba, 200);
            assert_false(disk.is_gone);
        }
    }
}

/* Five seconds a call, as SeaBIOS takes them for a stick that was pulled out: two calls, then none until disk_retry. */
static void a_drive_that_does_not_answer_is_gone(void **state)
{
    (void)state;
    begin(true);
    bios.largest = 0;
    bios.status = 0x80;
    bios.slowness = 5 * BIOS_SECOND;
    for (int i = 0; i < 5; i++)
        expect_failure(100 + (uint32_t)i, 8, "the drive does not answer, INT 13h status 80h at LBA 100");
    assert_int_equal(bios.calls, 2);
    assert_true(bios.now <= 10 * BIOS_SECOND);
    disk_retry(&disk);
    expect_failure(200, 8, "the drive does not answer, INT 13h status 80h at LBA 200");
    assert_int_equal(bios.calls, 4);
    disk_retry(&disk);
    bios.largest = BOUNCE_SECTORS;
    expect_read(100, 64);
}

static void reading_stops_between_two_calls(void **state)
{
    (void)state;
    begin(true);
    for (uint32_t calls = 1; calls < 4; calls++) {
        bios.calls = 0;
        bios.stop_after = calls;
        assert_int_equal(disk_read(&disk, 0, 400, out), DISK_STOPPED);
        assert_int_equal(bios.calls, calls);
    }
    bios.largest = 0; /* and between tries */
    for (uint32_t calls = 1; calls < 12; calls++) {
        bios.calls = 0;
        bios.stop_after = calls;
        assert_int_equal(disk_read(&disk, 0, 200, out), DISK_STOPPED);
        assert_int_equal(bios.calls, calls);
    }
    bios.stop_after = 0;
    bios.largest = BOUNCE_SECTORS;
    expect_read(0, 200);
}

/* A CD, whose BIOS need not say that it knows EDD: wherever a read begins and ends. */
static void larger_sectors_are_read_whole(void **state)
{
    (void)state;
    begin_with_block(false, 4);
    for (uint32_t lba = 0; lba < 8; lba++) {
        for (uint32_t count = 1; count < 10; count++)
            expect_read(lba, count);
        bios.calls = 0;
        expect_read(lba, BOUNCE_SECTORS);
        assert_int_equal(bios.calls, lba % 4 == 0 ? 1 : 2);
    }
    expect_read(1001, 199);
    bios.calls = 0;
    bios.largest = 4; /* one of them at once: none is read twice */
    expect_read(100, 64);
    bios.calls = 0;
    expect_read(200, 64);
    assert_int_equal(bios.calls, 16);
}

/* How models are read: into the window, which for a CD is a detour. */
static void the_preferred_read_is_one_call(void **state)
{
    (void)state;
    for (uint32_t block = 1; block <= 4; block += 3) {
        begin_with_block(true, block);
        for (uint32_t lba = 1000; lba < 1008; lba++) {
            bios.place = block > 1 ? BOUNCE_ADDRESS : WINDOW_ADDRESS;
            bios.calls = 0;
            assert_int_equal(disk_read(&disk, lba, disk_preferred(&disk), (void *)(uintptr_t)WINDOW_ADDRESS), DISK_OK);
            assert_int_equal(bios.calls, 1);
        }
    }
    assert_int_equal(disk_preferred(&disk) % 4, 0); /* what begins at a block of the CD ends at one */
}

/* Only EDD reads it. A drive at rest takes its time, ten seconds, to come up to speed. */
static void a_cd_that_cannot_be_read_is_told(void **state)
{
    (void)state;
    begin_with_block(false, 4);
    bios.bad = 130;
    bios.bad_count = 1;
    bios.status = 0x10;
    expect_failure(100, 64, "INT 13h status 10h at LBA 128");
    assert_true(bios.calls < 20);
    expect_read(132, 33);
    bios.passing = 2;
    bios.status = 0x80;
    bios.slowness = 5 * BIOS_SECOND;
    expect_read(132, 33);
    assert_false(disk.is_gone);
    bios.largest = bios.calls = 0;
    expect_failure(100, 8, "the drive does not answer, INT 13h status 80h at LBA 100");
    assert_int_equal(bios.calls, 3);
}

static void another_cd_is_noticed(void **state)
{
    (void)state;
    for (uint32_t block = 1; block <= 4; block += 3) {
        begin_with_block(true, block);
        expect_read(0, 8);
        assert_false(disk_may_be_changed(&disk));
        bios.now += 2 * BIOS_SECOND;
        assert_int_equal(disk_may_be_changed(&disk), block == 4);
    }
}

/* A drive that the program does not come from: it must say that its sectors have 512 bytes, or nothing. */
static void sectors_of_4096_bytes_are_told(void **state)
{
    static const uint32_t sizes[] = {0, 512, 2048, 4096};
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        begin(true);
        bios.sector_bytes = sizes[i];
        disk = (struct disk){.stop_asked = stop_asked};
        disk_init(&disk, 0x80, 0);
        if (sizes[i] <= 512) {
            expect_read(60, 200);
        } else {
            expect_failure(0, 1,
                           sizes[i] == 4096 ? "drive 80h has sectors of 4096 bytes: only UEFI reads it"
                                            : "drive 80h has sectors of 2048 bytes: only UEFI reads it");
            assert_int_equal(bios.calls, 0);
        }
    }
    begin(false);
    bios.sector_bytes = 4096; /* what is asked only with EDD */
    disk_init(&disk, 0x80, 0);
    expect_read(0, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sectors_are_read_both_ways),
        cmocka_unit_test(reads_into_the_window_go_straight_there),
        cmocka_unit_test(other_reads_go_through_the_bounce_buffer),
        cmocka_unit_test(passing_errors_are_survived),
        cmocka_unit_test(large_transfers_that_fail_become_smaller),
        cmocka_unit_test(a_count_that_is_too_small_is_an_error),
        cmocka_unit_test(edd_that_does_not_read_is_left_for_chs),
        cmocka_unit_test(a_bad_sector_is_told),
        cmocka_unit_test(a_slow_bad_sector_is_no_drive_that_is_gone),
        cmocka_unit_test(a_call_that_hangs_once_is_made_again),
        cmocka_unit_test(a_drive_that_does_not_answer_is_gone),
        cmocka_unit_test(reading_stops_between_two_calls),
        cmocka_unit_test(larger_sectors_are_read_whole),
        cmocka_unit_test(the_preferred_read_is_one_call),
        cmocka_unit_test(a_cd_that_cannot_be_read_is_told),
        cmocka_unit_test(another_cd_is_noticed),
        cmocka_unit_test(sectors_of_4096_bytes_are_told),
    };
    return cmocka_run_group_tests(tests, map_memory, NULL);
}
