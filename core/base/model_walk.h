/*
 * A walk over the files that may be models by their names: those of /MODELS, then those of the folders in it level by
 * level, then those of the volume's root. Folders of other systems (.Trashes, $RECYCLE.BIN, System Volume Information)
 * and hidden ones are passed over. The volume may be damaged: levels, folders and entries are bounded.
 */
#ifndef BOOTLLAMA_MODEL_WALK_H
#define BOOTLLAMA_MODEL_WALK_H

#include "base/model_file.h"

enum {
    MODEL_WALK_LEVELS = 4,        /* of folders below /MODELS */
    MODEL_WALK_PATHS = 6144,      /* bytes of all folders' paths, each with its NUL */
    MODEL_WALK_ENTRIES = 1 << 17, /* that one walk looks at */
};

/* As list of struct platform, which is asked for each folder's entries in ascending order, one folder at a time. */
typedef int model_walk_list(void *context, const char *directory, uint32_t index, struct platform_entry *entry);

struct model_walk {
    model_walk_list *list;
    void *context;    /* of `list`; not owned */
    uint32_t index;   /* of the folder's next entry */
    uint32_t entries; /* looked at so far */
    bool is_cut;      /* something was left out because of a bound */
    bool failed;      /* the folder that is visited cannot be listed any further */
    uint32_t at;      /* in `paths`: the folder that is visited; = used: the root; beyond: none */
    uint32_t used;    /* bytes of `paths` */
    char paths[MODEL_WALK_PATHS];
};

void model_walk_begin(struct model_walk *walk, model_walk_list *list, void *context);

/*
 * Finds the next file and fills *entry, whose name becomes relative to /MODELS: "A.GGUF", "llama/A.GGUF"; "/A.GGUF" for
 * the root's. Returns PLATFORM_OK; PLATFORM_NOT_FOUND past the last one; or what `list` returned, after which the walk
 * may go on with the next folder.
 */
int model_walk_next(struct model_walk *walk, struct platform_entry *entry);

/* The folder that is visited, for a person: "/MODELS/llama". */
const char *model_walk_folder(const struct model_walk *walk);

/* Writes the path of the file of that name to out [MODEL_PATH_MAX]. */
void model_walk_path(char *out, const char *name);

#endif
