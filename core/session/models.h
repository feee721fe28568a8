/* The models on the boot volume, the loaded one, and the kernel and processors that it runs on. */
#ifndef BOOTLLAMA_MODELS_H
#define BOOTLLAMA_MODELS_H

#include "base/model_walk.h"
#include "infer/engine.h"
#include "infer/team.h"
#include "kernel/cpu.h"
#include "platform.h"
#include "session/config.h"
#include "session/output.h"
#include "session/progress.h"
#include "session/typeahead.h"

struct models {
    struct platform *platform;
    struct output *output;
    struct typeahead *typeahead; /* Escape stops loading and listing */
    const struct config *config; /* not owned: model, kernel, processors and context as they are now */
    struct cpu_features cpu;
    const struct kernel *kernel; /* that the model is loaded for: config->kernel, or which wins its race */
    bool loaded;                 /* the engine holds the model at `path` */
    bool stopped;                /* Escape stopped loading */
    bool gone;                   /* loading failed because the drive does not answer */
    bool quiet;                  /* reloading: only the ticker says so, and it is erased */
    struct progress progress;    /* of loading */
    uint64_t shown_at;           /* time of the last progress shown, microseconds */
    struct team team;
    char path[MODEL_PATH_MAX];
    struct model_walk walk;      /* of models_next */
    struct platform_entry entry; /* found by it, named as base/model_walk.h says */
    struct engine engine;
};

/* Loads no model. *models is zeroed memory. */
void models_begin(struct models *models, struct platform *platform, struct output *output, struct typeahead *typeahead,
                  const struct config *config);

/* Begins a walk over the files that are named like models. */
void models_rewind(struct models *models);

/* Finds the next one and fills models->entry; returns whether there is one. Of a split model only its first part
   counts. A folder that cannot be listed hides only what is in it; *failure, which begins as "", says which was the
   first one. A stop key ends the walk. */
bool models_next(struct models *models, struct error *failure);

/* Loads the configured model; if none is configured, the first usable one on the medium, reporting what is wrong with
   those before it. Returns 0, or -1 after reporting the error. */
int models_load(struct models *models);

/* Replaces the current model with the one called `name` (in any case, with or without its folder and its extension, or
   its number in the list). If that fails, restores the current one. Returns 0, or -1 after reporting the error. */
int models_choose(struct models *models, const char *name);

/* The name of the model at models->path, as in the list. */
const char *models_name(const struct models *models);

/* Loads the same model for config->kernel; if that is KERNEL_AUTO, for the kernel that wins a race. Returns 0, or -1
   with the current kernel kept, after reporting the error. */
int models_use_kernel(struct models *models);

/* Whether the loaded model would also fit into memory for `kernel`. Reads its header again; if that fails, or there is
   no memory to plan with, returns true, so that models_reopen reports it. */
bool models_fits(struct models *models, const struct kernel *kernel);

/* Loads the same model for `kernel` without choosing the kernel and without leaving a line on the screen. Returns 0, or
   -1 with no model loaded, after reporting the error. */
int models_reopen(struct models *models, const struct kernel *kernel);

/* The stop question of computing: Escape and Ctrl-C. */
struct compute_stop models_stop(struct models *models);

/* Distributes the model over processors as config->processors says. The context is empty afterwards. */
void models_share(struct models *models);

/* Loads the present model again where config->context gives it another context than it was loaded for. Returns whether
   that was done; if it fails, the error is said. */
bool models_fit_context(struct models *models);

/* Gives the memory of the loaded model back, if there is one. */
void models_close(struct models *models);

/* Lists all models with their sizes and whether they fit. */
void models_list(struct models *models);

#endif
