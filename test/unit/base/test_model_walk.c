/* model_walk.h: which files a walk finds and in what order, and what ends one on a damaged volume. */
#include "unit.h"

#include "base/model_walk.h"

/* A volume: entries with their folders, in any order. A name that ends in '/' is a folder. */
struct node {
    const char *folder, *name;
    bool is_hidden;
};

struct tree {
    const struct node *nodes;
    const char *broken; /* a folder that cannot be listed, */
    uint32_t from;      /* from this entry on; PLATFORM_STOPPED instead of an error if `stops` */
    bool stops;
    uint32_t lists; /* calls so far */
};

static int list(void *context, const char *directory, uint32_t index, struct platform_entry *entry)
{
    struct tree *tree = context;
    tree->lists++;
    if (tree->broken != NULL && strcmp(directory, tree->broken) == 0 && index >= tree->from) {
        return tree->stops ? PLATFORM_STOPPED : PLATFORM_IO_ERROR;
    }
    for (const struct node *node = tree->nodes; node->folder != NULL; node++) {
        if (strcmp(node->folder, directory) == 0 && index-- == 0) {
            memset(entry, 0, sizeof *entry);
            const size_t n = strlen(node->name);
            memcpy(entry->name, node->name, n);
            entry->is_directory = node->name[n - 1] == '/';
            entry->name[n - 1] = entry->is_directory ? 0 : entry->name[n - 1];
            entry->is_hidden = node->is_hidden;
            entry->size = 1;
            return PLATFORM_OK;
        }
    }
    return PLATFORM_NOT_FOUND;
}

/* All names that a walk finds, a line each; "! FOLDER" where it fails. */
static const char *walk_all(struct model_walk *walk, struct tree *tree)
{
    static char text[1 << 20];
    struct platform_entry entry;
    size_t used = 0;
    int status;
    text[0] = 0;
    model_walk_begin(walk, list, tree);
    while ((status = model_walk_next(walk, &entry)) != PLATFORM_NOT_FOUND && used < sizeof text - 600) {
        used += (size_t)snprintf(text + used, 600, "%s%s\n", status != PLATFORM_OK ? "! " : "",
                                 status != PLATFORM_OK ? model_walk_folder(walk) : entry.name);
    }
    assert_int_equal(model_walk_next(walk, &entry), PLATFORM_NOT_FOUND); /* and stays at the end */
    return text;
}

static struct model_walk walk;

/* Folders are named where the files are on a user's stick; the root's own folders are not searched. */
static void files_first_then_folders_level_by_level(void **state)
{
    static const struct node nodes[] = {{"/MODELS", "llama/"},
                                        {"/MODELS", "A.GGUF"},
                                        {"/MODELS", "NOTES.TXT"},
                                        {"/MODELS", "B.GGUF/"},
                                        {"/MODELS", "Z last.gguf"},
                                        {"/MODELS/llama", "deep/"},
                                        {"/MODELS/llama", "A.GGUF"},
                                        {"/MODELS/llama", "\U0001F43B 株式.gguf"},
                                        {"/MODELS/B.GGUF", "inside.gguf"},
                                        {"/MODELS/llama/deep", "D.GGU"},
                                        {MODELS_ROOT, "EFI/"},
                                        {MODELS_ROOT, "root.gguf"},
                                        {MODELS_ROOT, "BOOTLLAM.CFG"},
                                        {"/EFI", "never.gguf"},
                                        {"/MODELS/../EFI", "never.gguf"},
                                        {0}};
    struct tree tree = {nodes};
    (void)state;
    assert_string_equal(walk_all(&walk, &tree), "A.GGUF\nZ last.gguf\nllama/A.GGUF\nllama/\U0001F43B 株式.gguf\n"
                                                "B.GGUF/inside.gguf\nllama/deep/D.GGU\n/root.gguf\n");
    assert_false(walk.is_cut);
    const struct node nothing[] = {{0}};
    tree.nodes = nothing;
    assert_string_equal(walk_all(&walk, &tree), "");
}

static void paths_of_names(void **state)
{
    char path[MODEL_PATH_MAX];
    (void)state;
    model_walk_path(path, "A.GGUF");
    assert_string_equal(path, "/MODELS/A.GGUF");
    model_walk_path(path, "llama/A.GGUF");
    assert_string_equal(path, "/MODELS/llama/A.GGUF");
    model_walk_path(path, "/A.GGUF");
    assert_string_equal(path, "/A.GGUF");
}

static void what_other_systems_leave_is_passed_over(void **state)
{
    static const struct node nodes[] = {{"/MODELS", ".Trashes/"},
                                        {"/MODELS", ".Spotlight-V100/"},
                                        {"/MODELS", "System Volume Information/"},
                                        {"/MODELS", "$RECYCLE.BIN/"},
                                        {"/MODELS", "secret/", true},
                                        {"/MODELS", "._A.GGUF"},
                                        {"/MODELS", "A.GGUF.part"},
                                        {"/MODELS", "A.gguf.crdownload"},
                                        {"/MODELS", "H.GGUF", true},
                                        {"/MODELS/.Trashes", "1.GGUF"},
                                        {"/MODELS/.Spotlight-V100", "2.GGUF"},
                                        {"/MODELS/System Volume Information", "3.GGUF"},
                                        {"/MODELS/$RECYCLE.BIN", "$R4.GGUF"},
                                        {"/MODELS/secret", "5.GGUF"},
                                        {MODELS_ROOT, "._B.gguf"},
                                        {0}};
    struct tree tree = {nodes};
    (void)state;
    assert_string_equal(walk_all(&walk, &tree), "");
    assert_false(walk.is_cut);
}

static void four_levels_and_no_more(void **state)
{
    static const struct node nodes[] = {{"/MODELS", "1/"},
                                        {"/MODELS/1", "2/"},
                                        {"/MODELS/1/2", "3/"},
                                        {"/MODELS/1/2/3", "4/"},
                                        {"/MODELS/1/2/3/4", "A.GGUF"},
                                        {"/MODELS/1/2/3/4", "5/"},
                                        {"/MODELS/1/2/3/4/5", "B.GGUF"},
                                        {0}};
    struct tree tree = {nodes};
    (void)state;
    assert_string_equal(walk_all(&walk, &tree), "1/2/3/4/A.GGUF\n");
    assert_true(walk.is_cut);
}

#define TEN(x) x x x x x x x x x x
#define F250 TEN("0123456789") TEN("0123456789") TEN("01234") /* 250 bytes */

/* A path of 255 bytes below /MODELS fits; a longer one is left out. */
static void a_path_that_is_too_long_is_left_out(void **state)
{
    static const struct node nodes[] = {{"/MODELS", F250 ".gguf"},
                                        {"/MODELS", "a/"},
                                        {"/MODELS", F250 "abcde/"},
                                        {"/MODELS/a", F250 ".ggu"},
                                        {MODELS_ROOT, F250 ".ggu"},
                                        {"/MODELS/" F250 "abcde", "B.GGUF"},
                                        {0}};
    struct tree tree = {nodes};
    (void)state;
    assert_string_equal(walk_all(&walk, &tree), F250 ".gguf\n/" F250 ".ggu\n");
    assert_true(walk.is_cut);
}

/* A damaged folder hides only what is in it. */
static void a_folder_that_fails_hides_only_its_own(void **state)
{
    static const struct node nodes[] = {{"/MODELS", "A.GGUF"},   {"/MODELS", "x/"},       {"/MODELS", "y/"},
                                        {"/MODELS", "B.GGUF"},   {"/MODELS/x", "C.GGUF"}, {"/MODELS/x", "D.GGUF"},
                                        {"/MODELS/y", "E.GGUF"}, {MODELS_ROOT, "F.GGUF"}, {0}};
    struct tree tree = {nodes, "/MODELS/x", 1};
    (void)state;
    assert_string_equal(walk_all(&walk, &tree), "A.GGUF\nB.GGUF\nx/C.GGUF\n! /MODELS/x\ny/E.GGUF\n/F.GGUF\n");
    tree.broken = "/MODELS";
    assert_string_equal(walk_all(&walk, &tree), "A.GGUF\n! /MODELS\n/F.GGUF\n");
    tree.broken = MODELS_ROOT;
    tree.from = 0;
    tree.stops = true;
    assert_string_equal(walk_all(&walk, &tree), "A.GGUF\nB.GGUF\nx/C.GGUF\nx/D.GGUF\ny/E.GGUF\n! /\n");
}

/* Every folder of a damaged volume may lead back to its parent, and a folder may have no end. */
static int list_for_ever(void *context, const char *directory, uint32_t index, struct platform_entry *entry)
{
    struct tree *tree = context;
    (void)directory;
    tree->lists++;
    *entry = (struct platform_entry){.size = 1, .is_directory = index % 2 == 0};
    snprintf(entry->name, sizeof entry->name, "%u%s", index, index % 2 == 0 ? "" : ".gguf");
    return PLATFORM_OK;
}

static void a_volume_without_an_end_ends(void **state)
{
    struct tree tree = {NULL};
    struct platform_entry entry;
    uint32_t found = 0;
    (void)state;
    model_walk_begin(&walk, list_for_ever, &tree);
    while (model_walk_next(&walk, &entry) == PLATFORM_OK) {
        found++;
    }
    assert_int_equal(tree.lists, MODEL_WALK_ENTRIES);
    assert_int_equal(found, MODEL_WALK_ENTRIES / 2);
    assert_true(walk.is_cut);
}

static int list_loop(void *context, const char *directory, uint32_t index, struct platform_entry *entry)
{
    struct tree *tree = context;
    (void)directory;
    tree->lists++;
    *entry = (struct platform_entry){.size = 1, .is_directory = index > 0};
    snprintf(entry->name, sizeof entry->name, index > 0 ? "loop%u" : "A.GGUF", index);
    return index < 3 ? PLATFORM_OK : PLATFORM_NOT_FOUND;
}

/* Two folders that each hold themselves and the other: 2 + 4 + 8 + 16 paths at most. */
static void folders_in_a_circle_end(void **state)
{
    struct tree tree = {NULL};
    struct platform_entry entry;
    uint32_t found = 0;
    (void)state;
    model_walk_begin(&walk, list_loop, &tree);
    while (model_walk_next(&walk, &entry) == PLATFORM_OK) {
        found++;
    }
    assert_int_equal(found, 1 + 2 + 4 + 8 + 16 + 1);
    assert_true(walk.is_cut);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_first_then_folders_level_by_level),
        cmocka_unit_test(paths_of_names),
        cmocka_unit_test(what_other_systems_leave_is_passed_over),
        cmocka_unit_test(four_levels_and_no_more),
        cmocka_unit_test(a_path_that_is_too_long_is_left_out),
        cmocka_unit_test(a_folder_that_fails_hides_only_its_own),
        cmocka_unit_test(a_volume_without_an_end_ends),
        cmocka_unit_test(folders_in_a_circle_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
