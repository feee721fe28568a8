/*
 * uefi/files.c on a firmware that an input directs: reads that stop short, fail, lie or give nothing, handles that die,
 * files that change their size, entries that come and go. Whatever it does, a read that succeeds brings the file's
 * bytes and no others (but where files.c cannot know), a failure says why, no request is larger than firmware takes,
 * and everything is given back.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "choices.h"
#include "fake_firmware.h"
#include "uefi/files.h"

enum { NODES = 14, FIRST_FILE = 3, STEPS_MAX = 60, READ_MAX = 3 << 19 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const paths[] = {"/BOOTLLAM.CFG",
                                    "/MODELS/A.GGUF",
                                    "/models/second model.gguf",
                                    "/MODELS/NONE.GGUF",
                                    "/MODELS/OLD.GGUF",
                                    "/MODELS",
                                    "/",
                                    "/MODELS/\xC3\xB6",
                                    "/MODELS/llama/\U0001F43B.gguf",
                                    "/models/LLAMA/llama/deep.gguf",
                                    "/root.gguf"};

struct machine {
    struct fake_node nodes[NODES];
    struct fake_volume volume;
    struct files files;
    struct platform_file open[FILES_OPEN_MAX];
    bool is_open[FILES_OPEN_MAX];
    char error[sizeof((struct platform *)0)->error];
};

static void demand(bool good, const char *what)
{
    if (!good) {
        fprintf(stderr, "uefi/files.c: %s\n", what);
        abort();
    }
}

/* One line of printable ASCII, which a failure must leave. */
static void check_error(const struct machine *machine)
{
    const char *c = machine->error;
    demand(*c != 0, "fails without a word");
    while (*c >= ' ' && *c < 0x7F) {
        c++;
    }
    demand(*c == 0 && c < machine->error + sizeof machine->error, "says something that cannot be shown");
}

static void plug_in(struct machine *machine, struct choices *choices)
{
    static const uint8_t sata[] = {3, 18, 10, 0, 0, 0, 0, 0, 0, 0, 0x7F, 0xFF, 4, 0};
    const struct fake_node nodes[NODES] = {
        {"", "EFI", -1},
        {"", "MODELS", -1},
        {"MODELS", ".", -1},
        {"", "BOOTLLAM.CFG", 19},
        {"MODELS", "A.GGUF", 0},
        {"MODELS", "Second model.gguf", 0},
        {"MODELS", "株式.gguf", 1},
        {"MODELS", "OLD.GGUF", -1},
        {"MODELS", "NOTES.TXT", 5},
        {"MODELS", "llama", -1},
        {"MODELS\\llama", "\U0001F43B.gguf", 700},
        {"MODELS\\llama", "llama", -1},
        {"MODELS\\llama\\llama", "deep.gguf", 70},
        {"", "root.gguf", 7},
    };
    memcpy(machine->nodes, nodes, sizeof nodes);
    machine->nodes[4].size = choices_below(choices, 3 << 20);
    machine->nodes[5].size = choices_below(choices, 5000);
    fake_reset();
    fake.memory_limit = choices_one_in(choices, 4) ? (size_t)1 << choices_below(choices, 21) : 1 << 24;
    machine->volume = fake_volume_of(machine->nodes, NODES);
    machine->volume.caches_edges = choices_one_in(choices, 2);
    machine->volume.page_from = choices_below(choices, 128) * 512;
    fake_plug_in(&machine->volume);
    if (machine->volume.caches_edges) { /* only as firmware's SATA drivers do */
        fake.handles[0].device_path = sata;
    }
}

/* Changes what the firmware does from now on. */
static void change(struct machine *machine, struct choices *choices)
{
    struct fake_volume *volume = &machine->volume;
    struct fake_node *node = &machine->nodes[FIRST_FILE + choices_below(choices, 4)];
    switch (choices_below(choices, 9)) {
    case 0:
        volume->short_read = choices_below(choices, 1 << 16);
        break;
    case 1:
        volume->bad_byte = choices_below(choices, 3 << 20);
        volume->failures = choices_one_in(choices, 3) ? FAKE_LASTING : (int)choices_below(choices, 8);
        break;
    case 2:
        volume->lies = !volume->lies;
        break;
    case 3:
        volume->reads_nothing = !volume->reads_nothing;
        break;
    case 4:
        volume->info_fails = !volume->info_fails;
        break;
    case 5:
        volume->handle_dies = !volume->handle_dies;
        break;
    case 6:
        node->size = choices_below(choices, 3 << 20); /* including an open file */
        break;
    case 7:
        node->directory = choices_one_in(choices, 2) ? "ELSEWHERE" : "MODELS";
        break;
    default:
        *volume = (struct fake_volume){.system = volume->system,
                                       .nodes = volume->nodes,
                                       .node_count = NODES,
                                       .caches_edges = volume->caches_edges,
                                       .page_from = volume->page_from,
                                       .open_handles = volume->open_handles,
                                       .largest_read = volume->largest_read};
    }
}

static void open_file(struct machine *machine, struct choices *choices)
{
    const uint32_t slot = choices_below(choices, FILES_OPEN_MAX);
    if (machine->is_open[slot]) {
        files_close(&machine->files, &machine->open[slot]);
        machine->is_open[slot] = false;
        return;
    }
    const char *path = paths[choices_below(choices, sizeof paths / sizeof *paths)];
    machine->error[0] = 0;
    machine->is_open[slot] = files_open(&machine->files, path, &machine->open[slot], machine->error) == PLATFORM_OK;
    if (!machine->is_open[slot]) {
        check_error(machine);
    }
}

/* Whether firmware that lies about byte `at` of `size` is found out. */
static bool is_checked(const struct machine *machine, uint64_t at, uint64_t size)
{
    return !machine->volume.caches_edges ||
           (machine->files.chunk > 2 * FILES_SATA_MARGIN && at >= FILES_SATA_MARGIN && size - at > FILES_SATA_MARGIN);
}

static void read_file(struct machine *machine, struct choices *choices)
{
    const uint32_t slot = choices_below(choices, FILES_OPEN_MAX);
    if (!machine->is_open[slot] || machine->open[slot].size == 0) {
        return;
    }
    const uint64_t size = machine->open[slot].size, offset = choices_below(choices, (uint32_t)size);
    uint32_t bytes = choices_below(choices, choices_one_in(choices, 2) ? READ_MAX : 3000);
    bytes = bytes < size - offset ? bytes : (uint32_t)(size - offset);
    uint8_t *buffer = malloc(bytes + 1); /* exactly as long as the read, so that ASan detects one byte too many */
    buffer = realloc(buffer, bytes > 0 ? bytes : 1);
    machine->error[0] = 0;
    if (files_read(&machine->files, &machine->open[slot], offset, buffer, bytes, machine->error) == PLATFORM_OK) {
        for (uint32_t i = 0; i < bytes; i++) {
            demand(buffer[i] == fake_content(offset + i) || !is_checked(machine, offset + i, size),
                   "other bytes than the file's");
        }
    } else {
        check_error(machine);
    }
    free(buffer);
}

static void list(struct machine *machine, struct choices *choices)
{
    static const char *const directories[] = {"/MODELS", "/", "/NONE", "/MODELS/A.GGUF", MODELS_ROOT, "/MODELS/llama"};
    const char *directory = directories[choices_below(choices, 6)];
    const uint32_t first = choices_below(choices, 4);
    for (uint32_t index = first; index < NODES + 1; index++) {
        struct platform_entry entry;
        machine->error[0] = 0;
        if (files_list(&machine->files, directory, index, &entry, machine->error) != PLATFORM_OK) {
            check_error(machine);
            return;
        }
        demand(memchr(entry.name, 0, sizeof entry.name) != NULL && entry.name[0] != 0, "an entry without a name");
    }
    demand(first < NODES, "more entries than there are");
}

static int list_platform(void *context, const char *directory, uint32_t index, struct platform_entry *entry)
{
    struct machine *machine = context;
    return files_list(&machine->files, directory, index, entry, machine->error);
}

/* A walk over all models ends, and every name that it finds can be a path. */
static void walk(struct machine *machine, struct choices *choices)
{
    static struct model_walk walk;
    struct platform_entry entry;
    uint32_t found = 0;
    int status;
    (void)choices;
    model_walk_begin(&walk, list_platform, machine);
    while ((status = model_walk_next(&walk, &entry)) != PLATFORM_NOT_FOUND) {
        char path[MODEL_PATH_MAX];
        demand(status == PLATFORM_OK || status == PLATFORM_IO_ERROR, "an unknown status");
        if (status == PLATFORM_OK) {
            model_walk_path(path, entry.name);
            demand(model_file_is_of_models(path), "a model that is none by its path");
        }
        demand(++found < 2 * NODES, "more models than there are files");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct machine machine;
    struct choices choices = {data, size};
    memset(&machine, 0, sizeof machine);
    plug_in(&machine, &choices);
    files_begin(&machine.files, &fake_boot, &fake.handles[0], &fake_clock);
    for (uint32_t step = 0; step < STEPS_MAX && choices.left > 0; step++) {
        static void (*const steps[])(struct machine *, struct choices *) = {change,    open_file, read_file,
                                                                            read_file, list,      walk};
        steps[choices_below(&choices, 6)](&machine, &choices);
    }
    for (uint32_t slot = 0; slot < FILES_OPEN_MAX; slot++) {
        if (machine.is_open[slot]) {
            files_close(&machine.files, &machine.open[slot]);
        }
    }
    files_end(&machine.files);
    demand(machine.volume.open_handles == 0, "a handle stays open");
    demand(fake.allocations == 0, "memory is kept");
    demand(machine.volume.largest_read <= FILES_READ_MAX, "a request larger than 1 MiB");
    return 0;
}
