/* Who loads: the models on the boot volume, the one that runs, and the kernel and processors that it runs on. */
#ifndef BOOTLLAMA_MODELS_H
#define BOOTLLAMA_MODELS_H

#include "infer/engine.h"
#include "infer/team.h"
#include "kernel/cpu.h"
#include "platform.h"
#include "session/config.h"
#include "session/output.h"
#include "session/typeahead.h"

#define MODELS_FOLDER "/MODELS"

struct models {
    struct platform *platform;
    struct output *output;
    struct typeahead *typeahead; /* Escape stops loading and listing */
    const struct config *config; /* not owned: model, processors and context as they are now */
    struct cpu_features cpu;
    const struct kernel *kernel; /* that models are loaded for */
    bool kernel_chosen;          /* by /kernel; otherwise it is the best one */
    bool loaded;                 /* engine holds the model at `path` */
    bool stopped;                /* loading, by Escape */
    bool quiet;                  /* it is loaded again: the ticker says so, and nothing stays of it */
    uint64_t file_bytes;         /* of the model that is loaded */
    uint64_t loading_since;      /* microseconds */
    uint64_t shown_at;           /* when progress was shown last, microseconds */
    struct team team;
    char path[PLATFORM_NAME_MAX + sizeof MODELS_FOLDER];
    struct platform_entry entry; /* that models_next has found */
    struct engine engine;
};

/* Takes the processor's best kernel; no model is loaded. *models is zeroed memory. */
void models_begin(struct models *models, struct platform *platform, struct output *output, struct typeahead *typeahead,
                  const struct config *config);

/* Finds the first file at *index or after it in MODELS_FOLDER that is named like a model, fills models->entry, and
   counts *index on behind it. Returns PLATFORM_OK, or what the platform's list call returned. */
int models_next(struct models *models, uint32_t *index);

/* Loads the configured model, or where none is configured the first on the medium that can be used, saying what is
   wrong with those before it. Returns 0, or -1 with the error said. */
int models_load(struct models *models);

/* Loads the model called `name` (any case, with or without its extension, or its number in the list) in place of the
   present one, which comes back if that fails. Returns 0, or -1 with the error said. */
int models_choose(struct models *models, const char *name);

/* The file name of the model at models->path. */
const char *models_name(const struct models *models);

/* Changes to another kernel, and loads the same model for it. The present one comes back if that fails. */
void models_use_kernel(struct models *models, const struct kernel *kernel);

/* Loads the same model for `kernel` without making it the chosen one and without leaving a line on the screen. Returns
   0, or -1 with the error said and no model loaded. */
int models_reopen(struct models *models, const struct kernel *kernel);

/* Escape and Ctrl-C, as computing asks for them. */
struct compute_stop models_stop(struct models *models);

/* Shares the model out among processors as config->processors says. The context is empty afterwards. */
void models_share(struct models *models);

/* Loads the present model again where config->context gives it another context than it was loaded for. Returns whether
   that was done; if it fails, the error is said. */
bool models_fit_context(struct models *models);

/* Gives the memory of the loaded model back, if there is one. */
void models_close(struct models *models);

/* Lists all models with their sizes and whether they fit. */
void models_list(struct models *models);

#endif
