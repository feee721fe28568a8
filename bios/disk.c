#include "disk.h"

#include <stddef.h>

#include "base/format.h"
#include "base/memory.h"
#include "bios_call.h"
#include "clock.h"
#include "io.h"
#include "layout.h"

enum {
    SECTOR = 512,
    TRIES = 6,
    TRIES_MIN = 2, /* one call may hang without cause, as SeaBIOS's to a UHCI controller does now and then */
    CYLINDERS_MAX = 1024,
    FLOPPY_TRIES = 3,   /* at least: the motor must come up to speed, the first call after a change may say only that */
    PATIENCE = 3000000, /* microseconds for all tries: one call to a drive that is gone may take five seconds */
    PATIENCE_CD = 10000000, /* a drive at rest takes its time to come up to speed */
    CHANGE_TIME = 1000000,  /* nobody changes a floppy or a CD in less */

    HARD_DISK = 0x80,                      /* and above: drive numbers of what is no floppy drive */
    BPB_TRACK = BOOT_TRACK - BOOT_ADDRESS, /* in sector 0 of a floppy */
    BPB_HEADS = BPB_TRACK + 2,
    TRACK_MAX = 36, /* sectors, of a floppy */

    RESET = 0x0000, /* AX of INT 13h */
    READ_CHS = 0x0200,
    GEOMETRY = 0x0800,
    EDD_PRESENT = 0x4100,
    EDD_READ = 0x4200,
    EDD_PARAMETERS = 0x4800,
    EDD_ASKED = 0x55AA,
    EDD_ANSWER = 0xAA55,
    EDD_PACKET_CALLS = 0x01, /* CX: 42h and related calls work */
    PARAMETERS_BYTES = 26,
};

struct packet { /* of EDD_READ; the BIOS overwrites `count` with the blocks actually read */
    uint16_t size, count, offset, segment;
    uint64_t lba;
};
_Static_assert(sizeof(struct packet) == 16, "as the BIOS reads it");

struct parameters { /* of EDD_PARAMETERS: EDD 1.1; `size` is what there is room for */
    uint16_t size, flags;
    uint32_t cylinders, heads, sectors_per_track;
    uint32_t sectors_low, sectors_high;
    uint16_t sector_bytes;
};

static bool takes_floppies(const struct disk *disk)
{
    return disk->drive < HARD_DISK;
}

static bool is_removable(const struct disk *disk)
{
    return takes_floppies(disk) || disk->block > 1;
}

/* Carry alone is not enough: some BIOSes accept the call but have no extended reads. */
static bool edd_answers(const struct disk *disk)
{
    struct bios_regs regs = {.eax = EDD_PRESENT, .ebx = EDD_ASKED, .edx = disk->drive};
    bios_call(0x13, &regs);
    return !bios_failed(&regs) && (uint16_t)regs.ebx == EDD_ANSWER && (regs.ecx & EDD_PACKET_CALLS) != 0;
}

static void find_geometry(struct disk *disk)
{
    struct bios_regs regs = {.eax = GEOMETRY, .edx = disk->drive}; /* some BIOSes want ES:DI = 0 */
    bios_call(0x13, &regs);
    if (!bios_failed(&regs)) {
        disk->sectors_per_track = regs.ecx & 0x3F;
        disk->heads = (regs.edx >> 8 & 0xFF) + 1;
    }
}

/* Bytes of a sector of the drive, SECTOR if the BIOS does not say. */
static uint32_t sector_bytes(const struct disk *disk)
{
    struct parameters parameters = {.size = PARAMETERS_BYTES, .sector_bytes = SECTOR};
    struct bios_regs regs = {
        .eax = EDD_PARAMETERS, .edx = disk->drive, .ds = bios_segment(&parameters), .esi = bios_offset(&parameters)};
    if (disk->has_edd) {
        bios_call(0x13, &regs);
    }
    return *(volatile uint16_t *)&parameters.sector_bytes;
}

void disk_init(struct disk *disk, uint8_t drive, uint32_t block)
{
    disk->drive = drive;
    disk->block = block;
    disk->limit = WINDOW_SECTORS;
    disk->has_edd = disk->use_edd = block > 1 || edd_answers(disk);
    if (block <= 1) {
        find_geometry(disk);
    }
    if (block == 0) {
        uint32_t bytes = sector_bytes(disk);
        disk->block = bytes == SECTOR || bytes == 0 ? 1 : 0;
        format(disk->error, sizeof disk->error, "drive %02xh has sectors of %u bytes: only UEFI reads it", drive,
               bytes);
    }
}

/* Brings a drive out of an error state, and gives a floppy time to spin up. */
static void reset(const struct disk *disk)
{
    struct bios_regs regs = {.eax = RESET, .edx = disk->drive};
    bios_call(0x13, &regs);
}

/* disk->place holds these sectors now. A drive takes several kinds of floppies, so its geometry is not theirs. */
static void hold(struct disk *disk, uint32_t lba, uint32_t count)
{
    const uint8_t *boot = (const uint8_t *)memory_at(BOUNCE_ADDRESS);
    uint32_t track = boot[BPB_TRACK], heads = boot[BPB_HEADS];

    disk->held = lba;
    disk->held_count = count;
    if (takes_floppies(disk) && lba == 0 && track > 0 && track <= TRACK_MAX && (heads == 1 || heads == 2)) {
        disk->sectors_per_track = track;
        disk->heads = heads;
    }
}

/* Both read to disk->place and return how many of the sectors they have read, 0 on failure. */
static uint32_t read_edd(struct disk *disk, uint32_t lba, uint32_t count)
{
    uint32_t before = lba % disk->block, blocks = (before + count + disk->block - 1) / disk->block;
    struct packet packet = {sizeof packet, (uint16_t)blocks, 0, (uint16_t)(disk->place >> 4), lba / disk->block};
    struct bios_regs regs = {
        .eax = EDD_READ, .edx = disk->drive, .ds = bios_segment(&packet), .esi = bios_offset(&packet)};
    bios_call(0x13, &regs);
    uint16_t done = *(volatile uint16_t *)&packet.count;
    if (bios_failed(&regs) || done != blocks) {
        disk->status = (uint8_t)(regs.eax >> 8);
        return 0;
    }
    hold(disk, lba - before, blocks * disk->block);
    return count;
}

/* Reads at most to the end of the track: many BIOSes cannot go further. */
static uint32_t read_chs(struct disk *disk, uint32_t lba, uint32_t count)
{
    if (disk->sectors_per_track == 0) {
        return 0;
    }
    uint32_t track = lba / disk->sectors_per_track, sector = lba % disk->sectors_per_track;
    uint32_t cylinder = track / disk->heads, head = track % disk->heads;
    if (cylinder >= CYLINDERS_MAX) {
        return 0;
    }
    if (count > disk->sectors_per_track - sector) {
        count = disk->sectors_per_track - sector;
    }
    struct bios_regs regs = {
        .eax = READ_CHS | count,
        .ecx = (cylinder & 0xFF) << 8 | (cylinder >> 2 & 0xC0) | (sector + 1),
        .edx = head << 8 | disk->drive,
        .es = (uint16_t)(disk->place >> 4),
    };
    bios_call(0x13, &regs);
    if (bios_failed(&regs)) { /* the count in AL is unreliable */
        disk->status = (uint8_t)(regs.eax >> 8);
        return 0;
    }
    hold(disk, lba, count);
    return count;
}

typedef uint32_t read_function(struct disk *disk, uint32_t lba, uint32_t count);

static bool stop_asked(struct disk *disk)
{
    disk->is_stopped = disk->is_stopped || (disk->stop_asked != NULL && disk->stop_asked(disk->context));
    return disk->is_stopped;
}

/* Whether the failed call's status means that the drive works and the medium is bad at this place. */
static bool is_bad_sector(const struct disk *disk)
{
    static const uint8_t statuses[] = {0x02, 0x04, 0x0A, 0x0B, 0x10, 0x11};

    for (size_t i = 0; i < sizeof statuses; i++) {
        if (disk->status == statuses[i]) {
            return true;
        }
    }
    return false;
}

/* Whether a call that failed after so many tries was the last one. */
static bool gives_up(struct disk *disk, int tries)
{
    uint64_t patience = disk->block > 1 ? PATIENCE_CD : PATIENCE;
    int least = takes_floppies(disk) ? FLOPPY_TRIES : TRIES_MIN;
    bool is_late = clock_microseconds() - disk->since > patience && tries >= least;

    disk->is_gone = is_late && !is_bad_sector(disk);
    return is_late || stop_asked(disk);
}

/* How many of these sectors, the first ones, need not be read again. */
static uint32_t held(const struct disk *disk, uint32_t lba, uint32_t count)
{
    uint32_t left = disk->held + disk->held_count - lba;

    return lba - disk->held >= disk->held_count ? 0 : count < left ? count : left;
}

/* Reads the whole track that the sector is on: wherever in it the floppy is, one revolution is enough. One try. */
static bool read_track(struct disk *disk, uint32_t lba)
{
    uint32_t size = disk->sectors_per_track;

    if (disk->use_edd || size == 0 || size > disk->limit) {
        return false;
    }
    uint32_t first = lba - lba % size;
    if (read_chs(disk, first, size) == 0) {
        reset(disk);
        return false;
    }
    return true;
}

/* Makes six tries with a reset after each: two as requested, because most errors are transient, but the second with no
   more sectors than every BIOS reads; then with half of them each time, the last with one. Remembers a size that
   worked. */
static uint32_t read_stubbornly(struct disk *disk, read_function *read, uint32_t lba, uint32_t count)
{
    uint32_t asked = count < disk->limit ? count : disk->limit, size = asked;

    for (int tries = 1; tries <= TRIES; tries++) {
        uint32_t done = read(disk, lba, size);
        if (done > 0) {
            disk->limit = size < asked ? size : disk->limit;
            return held(disk, lba, count);
        }
        if (gives_up(disk, tries)) {
            return 0;
        }
        reset(disk);
        if (tries == TRIES - 1) {
            size = 1;
        } else if (size > LOADER_SECTORS) {
            size = LOADER_SECTORS;
        } else if (tries >= 2 && size > 1) {
            size /= 2;
        }
    }
    return 0;
}

/* Tries the way that worked last, then the other one. */
static uint32_t read_somehow(struct disk *disk, uint32_t lba, uint32_t count)
{
    disk->since = clock_microseconds();
    disk->held_count = 0;
    if (takes_floppies(disk) && read_track(disk, lba)) {
        return held(disk, lba, count);
    }
    uint32_t done = read_stubbornly(disk, disk->use_edd ? read_edd : read_chs, lba, count);

    if (done == 0 && disk->has_edd && disk->block == 1 && !gives_up(disk, TRIES)) {
        uint8_t status = disk->status;
        done = read_stubbornly(disk, disk->use_edd ? read_chs : read_edd, lba, count);
        if (done > 0) {
            disk->use_edd = !disk->use_edd;
        } else {
            disk->status = status;
        }
    }
    return done;
}

/* Where a read for `target` goes. A CD's own sectors are larger than those asked for, a floppy's tracks longer. */
static uint32_t place_for(const struct disk *disk, const uint8_t *target)
{
    const uintptr_t at = (uintptr_t)target;
    const bool is_in_window = at - WINDOW_ADDRESS < WINDOW_SECTORS * SECTOR && at % 16 == 0;

    return is_in_window && !is_removable(disk) ? (uint32_t)at : BOUNCE_ADDRESS;
}

enum disk_status disk_read(struct disk *disk, uint32_t lba, uint32_t count, void *buffer)
{
    uint8_t *target = buffer;
    uint32_t limit = disk->limit;

    disk->is_stopped = false;
    while (count > 0) {
        if (disk->is_gone || disk->block == 0) {
            return DISK_FAILED;
        }
        if (stop_asked(disk)) {
            return DISK_STOPPED;
        }
        disk->place = place_for(disk, target);
        bool is_direct = disk->place != BOUNCE_ADDRESS;
        uint32_t room = is_direct ? WINDOW_SECTORS : BOUNCE_SECTORS - lba % disk->block;
        uint32_t most = count < room ? count : room;
        uint32_t done = takes_floppies(disk) ? held(disk, lba, most) : 0;
        if (done == 0) {
            done = read_somehow(disk, lba, most);
        }
        if (done == 0) {
            disk->limit = limit; /* the sector is to blame, not the size */
            format(disk->error, sizeof disk->error, "%sINT 13h status %02xh at LBA %u",
                   disk->is_gone ? "the drive does not answer, " : "", disk->status, lba);
            return disk->is_stopped ? DISK_STOPPED : DISK_FAILED;
        }
        if (is_removable(disk)) {
            disk->since = clock_microseconds();
        }
        if (!is_direct) {
            const uint8_t *bounce = (const uint8_t *)memory_at(BOUNCE_ADDRESS);
            memcpy(target, bounce + (lba - disk->held) * SECTOR, (size_t)done * SECTOR);
        }
        target += done * SECTOR;
        lba += done;
        count -= done;
    }
    return DISK_OK;
}

uint32_t disk_preferred(const struct disk *disk)
{
    return disk->block > 1 ? BOUNCE_SECTORS - disk->block : WINDOW_SECTORS;
}

bool disk_may_be_changed(struct disk *disk)
{
    if (!is_removable(disk) || clock_microseconds() - disk->since < CHANGE_TIME) {
        return false;
    }
    disk->held_count = 0;
    return true;
}

void disk_retry(struct disk *disk)
{
    disk->is_gone = false;
}
