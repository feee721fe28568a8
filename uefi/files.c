/*
 * Reads go through one window below 4 GiB in pieces of at most 1 MiB: some firmware fails on larger reads, or on
 * buffers above 4 GiB. Only a whole piece for a buffer that lies like the window is read into that. A failed read is
 * retried with everything reopened and with smaller pieces, because a handle may be unusable after one failure; the
 * piece size that works is kept.
 *
 * A drive counts as gone, and every call fails at once, when the firmware says that it or its medium is not there, or
 * when a request failed that took long: OVMF's drivers take half a minute for one read from a USB stick that has been
 * pulled out. They may also miss that it was, so that they keep its file system and find no other stick: the
 * controller is started anew when the user has typed a key.
 *
 * SATA drivers in firmware (seen with OVMF 2022.11) may report success after a failed read, with the memory unchanged.
 * So every sector of the window is marked before a read, and a mark that survives counts as a failure. edk2's FAT
 * driver reads the first and last 64 KiB or less of a request, those of its cache's pages that the request does not
 * fill, through that cache, where marks prove nothing: on SATA disks each piece therefore extends that far beyond the
 * part that is used, if the file does. A piece that follows another one begins where the used part of that ends, and
 * both must agree on what they share: no page there is read through the cache by both. A lie about the first or last
 * 64 KiB of a file stays undetected, or of a fragment of one, because the driver reads fragments singly, and about
 * anything once pieces have become too small for that.
 */
#include "files.h"

#include "base/format.h"
#include "base/memory.h"
#include "base/text.h"
#include "pages.h"
#include "pc/tsc.h"
#include "status.h"

enum {
    TRIES = 5,          /* of every operation, including the first */
    TRIES_US = 4000000, /* no try begins after this: firmware may take half a minute for one */
    PAUSE_US = 10000,   /* before the first retry, doubled with each */
    CHUNK_MIN = 4096,
    SECTOR = 512, /* the smallest unit of a read failure */
    ERROR_MAX = sizeof((struct platform *)0)->error,
};

static int failure(const struct files *files, char *error, EFI_STATUS status, const char *doing)
{
    char name[STATUS_NAME_MAX];

    format(error, ERROR_MAX, "%s%s %s", files_gone(files) ? "the drive does not answer, " : "",
           status_name(name, status), doing);
    return status == EFI_NOT_FOUND ? PLATFORM_NOT_FOUND : PLATFORM_IO_ERROR;
}

/* Whether pieces of so many bytes have room for the margin of a SATA disk. */
static bool has_margin(uint32_t bytes)
{
    return bytes > 2 * FILES_SATA_MARGIN;
}

/* Bytes of memory for a window: behind it is room for the margin of the piece before. */
static uint32_t window_memory(uint32_t size)
{
    return has_margin(size) ? size + FILES_SATA_MARGIN : size;
}

void files_begin(struct files *files, EFI_BOOT_SERVICES *boot, EFI_HANDLE device, struct clock *clock)
{
    memset(files, 0, sizeof *files);
    files->boot = boot;
    files->clock = clock;
    volumes_open(&files->volumes, boot, device);
    for (uint32_t size = FILES_READ_MAX; size >= CHUNK_MIN && files->window.bytes == NULL; size /= 2) {
        files->window.bytes = pages_take_low(boot, window_memory(size));
        files->window.size = files->window.bytes != NULL ? size : 0;
    }
    files->chunk = files->window.size;
}

static void close_handle(struct open_file *file)
{
    if (file->handle != NULL) {
        file->handle->Close(file->handle);
        file->handle = NULL;
    }
}

static void close_file(struct open_file *file)
{
    close_handle(file);
    file->volume = NULL;
}

void files_end(struct files *files)
{
    for (uint32_t i = 0; i < FILES_OPEN_MAX; i++) {
        close_file(&files->open[i]);
    }
    close_file(&files->directory);
    volumes_close(&files->volumes);
    if (files->window.bytes != NULL) {
        pages_give(files->boot, files->window.bytes, window_memory(files->window.size));
        files->window.bytes = NULL;
    }
}

bool files_gone(const struct files *files)
{
    return files->gone != EFI_SUCCESS;
}

void files_retry(struct files *files)
{
    files->gone = EFI_SUCCESS;
}

/* Looks for a drive that counted as gone. Its files have been closed by now. */
static EFI_STATUS find_lost(struct files *files)
{
    const EFI_HANDLE lost = files->lost;

    if (files_gone(files)) {
        return files->gone;
    }
    if (lost == NULL || files->open[0].volume != NULL || files->open[1].volume != NULL) {
        return EFI_SUCCESS;
    }
    files->lost = NULL;
    close_file(&files->directory);
    return volumes_again(&files->volumes, lost);
}

/* Tries of one operation; all zero before the first. */
struct tries {
    uint32_t count;
    uint64_t begun; /* microseconds */
};

/* Whether another try may begin. Before a retry it waits a little and reopens the root directory of `volume`, unless
   NULL; if that fails, the old one stays, and the try itself decides. */
static bool next_try(struct files *files, struct tries *tries, struct volume *volume)
{
    uint64_t now = clock_microseconds(files->clock);

    if (tries->count == 0) {
        *tries = (struct tries){1, now};
        return true;
    }
    if (files_gone(files) || tries->count == TRIES || now - tries->begun > TRIES_US ||
        (volume != NULL && volume->system != NULL && !volumes_have(&files->volumes, volume->device))) {
        return false;
    }
    files->boot->Stall((UINTN)PAUSE_US << (tries->count - 1));
    tries->count++;
    if (volume != NULL && volume->system != NULL) {
        volume_reopen(volume);
    }
    return true;
}

/* Judges by the status of a request's last try whether the drive counts as gone. Returns the status. */
static EFI_STATUS end_tries(struct files *files, const struct tries *tries, const struct volume *volume,
                            EFI_STATUS status)
{
    if (!EFI_ERROR(status) || status == EFI_NOT_FOUND || files_gone(files) || volume == NULL ||
        volume->system == NULL) {
        return status;
    }
    if (status == EFI_NO_MEDIA || status == EFI_MEDIA_CHANGED ||
        clock_microseconds(files->clock) - tries->begun > TRIES_US || !volumes_have(&files->volumes, volume->device)) {
        files->gone = status;
        files->lost = volume->device;
    }
    return status;
}

static EFI_STATUS open_handle(struct open_file *file)
{
    file->position = 0;
    if (file->volume->root == NULL) {
        return EFI_NO_MEDIA; /* the volume has been closed in the meantime */
    }
    return file->volume->root->Open(file->volume->root, &file->handle, file->path, EFI_FILE_MODE_READ, 0);
}

/* Opens file->path on `volume` and fills *entry. */
static EFI_STATUS open_on(struct files *files, struct open_file *file, struct volume *volume, union file_info *entry)
{
    EFI_STATUS status = EFI_NOT_FOUND;
    struct tries tries = {0, 0};

    file->volume = volume;
    while (next_try(files, &tries, volume)) {
        status = open_handle(file);
        if (status == EFI_NOT_FOUND) {
            break;
        }
        if (!EFI_ERROR(status)) {
            status = volume_info(file->handle, entry);
            if (!EFI_ERROR(status)) {
                return EFI_SUCCESS;
            }
            close_handle(file);
        }
    }
    file->handle = NULL; /* a failed Open may have changed it */
    file->volume = NULL;
    return end_tries(files, &tries, volume, status);
}

/* Opens `path`, a directory or a file as requested, on the first volume that has it. */
static EFI_STATUS open_path(struct files *files, struct open_file *file, const char *path, bool directory,
                            union file_info *entry)
{
    const bool of_models = model_file_is_of_models(path);
    EFI_STATUS status = EFI_NOT_FOUND;
    struct volume *volume;

    if (!volume_path(file->path, VOLUME_PATH_UNITS, path)) {
        return EFI_NOT_FOUND;
    }
    for (uint32_t i = 0; status == EFI_NOT_FOUND; i++) {
        volume = volumes_at(&files->volumes, of_models, i);
        if (volume == NULL) {
            break;
        }
        if (volume->system != NULL) {
            status = open_on(files, file, volume, entry);
        }
        if (!EFI_ERROR(status) && ((entry->info.Attribute & EFI_FILE_DIRECTORY) != 0) != directory) {
            close_file(file);
            status = EFI_NOT_FOUND;
        }
    }
    return status;
}

int files_open(struct files *files, const char *path, struct platform_file *file, char *error)
{
    union file_info entry;
    struct open_file *slot = NULL;

    for (uint32_t i = 0; i < FILES_OPEN_MAX && slot == NULL; i++) {
        slot = files->open[i].volume == NULL ? &files->open[i] : NULL;
    }
    if (slot == NULL) {
        return failure(files, error, EFI_OUT_OF_RESOURCES, "opening a third file");
    }
    EFI_STATUS status = find_lost(files);
    if (!files_gone(files)) {
        status = open_path(files, slot, path, false, &entry);
    }
    if (EFI_ERROR(status)) {
        return failure(files, error, status, "opening the file");
    }
    slot->size = entry.info.FileSize;
    *file = (struct platform_file){.size = slot->size, .state = {(uintptr_t)slot}};
    return PLATFORM_OK;
}

void files_close(struct files *files, struct platform_file *file)
{
    files->window.file = NULL;
    close_file((struct open_file *)file->state[0]);
}

/* The last sector of n bytes may be too short for a mark: how much of one has room there, 0 if all have. */
static size_t cut_mark(size_t n)
{
    return n % SECTOR < sizeof(uint64_t) ? n % SECTOR : 0;
}

/* Marks the start of every sector in n bytes with `mark`; counts those that still have it. */
static void set_marks(uint8_t *bytes, size_t n, uint64_t mark)
{
    const size_t cut = cut_mark(n);

    for (size_t at = 0; at < n - cut; at += SECTOR) {
        *(uint64_t *)(bytes + at) = mark;
    }
    memcpy(bytes + n - cut, &mark, cut);
}

static uint32_t count_marks(const uint8_t *bytes, size_t n, uint64_t mark)
{
    const size_t cut = cut_mark(n);
    uint32_t count = cut > 0 && memcmp(bytes + n - cut, &mark, cut) == 0;

    for (size_t at = 0; at < n - cut; at += SECTOR) {
        count += *(const uint64_t *)(bytes + at) == mark;
    }
    return count;
}

/* Reads at most *size bytes at `start`, a multiple of SECTOR, to `to`; *size becomes the bytes read, at least 1. */
static EFI_STATUS read_once(struct open_file *file, uint64_t start, UINTN *size, uint8_t *to)
{
    const uint64_t mark = tsc_read() * 0x9E3779B97F4A7C15u; /* a byte sequence unlikely in files */
    UINTN wanted = *size;
    EFI_STATUS status = file->handle == NULL ? open_handle(file) : EFI_SUCCESS;

    if (EFI_ERROR(status)) {
        file->handle = NULL;
        return status;
    }
    set_marks(to, wanted, mark);
    if (file->position != start) {
        status = file->handle->SetPosition(file->handle, start);
    }
    if (!EFI_ERROR(status)) {
        status = file->handle->Read(file->handle, size, to);
    }
    if (!EFI_ERROR(status) && (*size == 0 || *size > wanted)) {
        status = *size == 0 ? EFI_END_OF_FILE : EFI_VOLUME_CORRUPTED;
    }
    if (!EFI_ERROR(status) && count_marks(to, *size, mark) > 0) {
        status = EFI_NO_RESPONSE;
    }
    if (EFI_ERROR(status)) {
        close_handle(file);
        return status;
    }
    file->position = start + *size;
    return EFI_SUCCESS;
}

/* Keeps what the window has of a file behind its valid part, if that ends at `offset`. Returns the bytes kept. */
static UINTN keep_rest(struct window *window, const struct open_file *file, uint64_t offset)
{
    const bool follows = window->file == file && window->to == offset && offset % SECTOR == 0;
    const UINTN kept = follows ? (UINTN)(window->end - offset) : 0;

    memcpy(window->bytes + window->size, window->bytes + (follows ? offset - window->start : 0), kept);
    return kept;
}

/* Whether the window begins with the bytes kept, of which there are whole words. */
static bool agrees_with_rest(const struct window *window, UINTN kept)
{
    const uint8_t *rest = window->bytes + window->size;
    uint64_t differing = 0;

    for (UINTN at = 0; at < kept; at += sizeof differing) {
        differing |= *(const uint64_t *)(window->bytes + at) ^ *(const uint64_t *)(rest + at);
    }
    return differing == 0;
}

/* Fills the window once with the bytes around `offset`, in a piece of at most `chunk` bytes. */
static EFI_STATUS fill_once(struct files *files, struct open_file *file, uint64_t offset, uint32_t chunk)
{
    struct window *window = &files->window;
    const uint32_t margin = file->volume->is_sata && has_margin(chunk) ? FILES_SATA_MARGIN : 0;
    const UINTN kept = margin > 0 ? keep_rest(window, file, offset) : 0;
    const uint32_t before = kept > 0 ? 0 : margin;
    uint64_t start = (offset > before ? offset - before : 0) & ~(uint64_t)(SECTOR - 1);
    UINTN size = file->size - start < chunk ? file->size - start : chunk;

    window->file = NULL;
    EFI_STATUS status = read_once(file, start, &size, window->bytes);
    if (EFI_ERROR(status)) {
        return status;
    }
    uint64_t end = start + size, to = end == file->size ? end : end > margin ? end - margin : 0;
    if (to <= offset) {
        return EFI_END_OF_FILE; /* the firmware returned too little to reach `offset` */
    }
    if (!agrees_with_rest(window, kept)) {
        return EFI_NO_RESPONSE;
    }
    *window = (struct window){window->bytes, window->size, file, start, offset, to, end};
    return EFI_SUCCESS;
}

/* Whether a piece of `chunk` bytes goes to `to` without the window, being as large and placed like it. */
static bool goes_directly(const struct open_file *file, uint64_t offset, const uint8_t *to, uint32_t bytes,
                          uint32_t chunk)
{
    const uintptr_t at = (uintptr_t)to;

    return bytes >= chunk && offset % SECTOR == 0 && !file->volume->is_sata && at % EFI_PAGE_SIZE == 0 &&
           at <= UINT32_MAX - chunk;
}

/* Reads a piece of the file at `offset` with a bounded number of tries, to `to`, where *direct becomes its bytes, or
   into the window: *direct stays. Smaller pieces help only if the firmware reported the failure. */
static EFI_STATUS read_piece(struct files *files, struct open_file *file, uint64_t offset, uint8_t *to, uint32_t bytes,
                             UINTN *direct)
{
    uint32_t chunk = files->chunk;
    EFI_STATUS status = EFI_OUT_OF_RESOURCES;
    struct tries tries = {0, 0};

    while (chunk > 0 && next_try(files, &tries, file->volume)) {
        UINTN size = chunk;
        if (goes_directly(file, offset, to, bytes, chunk)) {
            status = read_once(file, offset, &size, to);
            *direct = EFI_ERROR(status) ? 0 : size;
        } else {
            status = fill_once(files, file, offset, chunk);
        }
        if (!EFI_ERROR(status)) {
            files->chunk = chunk;
            break;
        }
        if (status != EFI_NO_RESPONSE) {
            chunk = chunk / 4 > CHUNK_MIN ? chunk / 4 : CHUNK_MIN;
        }
    }
    return end_tries(files, &tries, file->volume, status);
}

int files_read(struct files *files, struct platform_file *file, uint64_t offset, void *buffer, uint32_t bytes,
               char *error)
{
    struct open_file *slot = (struct open_file *)file->state[0];
    const struct window *window = &files->window;
    uint8_t *to = buffer;

    while (bytes > 0) {
        UINTN n = 0;
        if (window->file != slot || offset < window->from || offset >= window->to ||
            goes_directly(slot, offset, to, bytes, files->chunk)) {
            EFI_STATUS status = files_gone(files) ? files->gone : read_piece(files, slot, offset, to, bytes, &n);
            if (EFI_ERROR(status)) {
                char doing[48];
                format(doing, sizeof doing, "reading byte %llu", (unsigned long long)offset);
                failure(files, error, status, doing);
                return PLATFORM_IO_ERROR;
            }
        }
        if (n == 0) {
            n = window->to - offset < bytes ? (UINTN)(window->to - offset) : bytes;
            memcpy(to, window->bytes + (offset - window->start), n);
        }
        to += n;
        offset += n;
        bytes -= (uint32_t)n;
    }
    return PLATFORM_OK;
}

/* Continues from the entry listed last if possible, else from the directory's start. */
static EFI_STATUS list_once(struct files *files, const char *directory, uint32_t index, struct platform_entry *entry)
{
    struct open_file *open = &files->directory;
    EFI_STATUS status = EFI_SUCCESS;

    if (open->handle == NULL || index < files->directory_index || !text_equal(files->directory_name, directory)) {
        union file_info info;
        close_file(open);
        files->directory_index = 0;
        format(files->directory_name, sizeof files->directory_name, "%s", directory);
        status = open_path(files, open, directory, true, &info);
        if (!EFI_ERROR(status)) {
            volume_rewind(open->handle);
        }
    }
    for (bool found = false; !EFI_ERROR(status) && !found; files->directory_index++) {
        status = volume_next_entry(open->handle, entry);
        found = files->directory_index == index;
    }
    if (EFI_ERROR(status)) {
        close_handle(open);
    }
    return status;
}

int files_list(struct files *files, const char *directory, uint32_t index, struct platform_entry *entry, char *error)
{
    EFI_STATUS status = find_lost(files);
    struct tries tries = {0, 0};

    if (files_gone(files)) {
        return failure(files, error, status, "listing the directory");
    }
    if (index == 0 && text_equal_nocase(directory, MODELS_FOLDER)) {
        status = volumes_update(&files->volumes);
        if (EFI_ERROR(status) && status != EFI_NOT_FOUND) {
            failure(files, error, status, "from the disk with the models: is it still connected?");
            return PLATFORM_IO_ERROR;
        }
        status = EFI_NOT_FOUND;
    }
    while (next_try(files, &tries, files->directory.volume)) {
        status = list_once(files, directory, index, entry);
        if (!EFI_ERROR(status)) {
            return PLATFORM_OK;
        }
        if (status == EFI_NOT_FOUND) {
            break;
        }
    }
    return failure(files, error, end_tries(files, &tries, files->directory.volume, status), "listing the directory");
}
