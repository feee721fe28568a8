/*
 * Which files are models: the one rule for listing them, choosing one and finding a volume that has one.
 *
 * A model is a file whose name ends in .gguf, in any case, and whose first bytes are "GGUF". It lies in /MODELS, in a
 * folder below it, or in the root of the same volume (model_walk.h). Empty files, files marked hidden or system, and
 * names that begin with a dot are never models: other systems leave such files behind, named after the model that they
 * belong to ("._A.GGUF").
 */
#ifndef BOOTLLAMA_MODEL_FILE_H
#define BOOTLLAMA_MODEL_FILE_H

#include "platform.h"

#define MODELS_FOLDER "/MODELS"
#define MODELS_ROOT "/MODELS/.." /* for platform.list: the root of the volume that /MODELS comes from */

enum {
    MODEL_FILE_MAGIC_BYTES = 4,
    MODEL_PATH_MAX = PLATFORM_NAME_MAX + sizeof MODELS_FOLDER, /* bytes of a model's path, its NUL included */
};

/* Whether a directory entry can be a model, judged before the file is opened. */
bool model_file_is_named(const struct platform_entry *entry);

/* Whether a file that begins with these bytes is a model. */
bool model_file_begins(const uint8_t bytes[MODEL_FILE_MAGIC_BYTES]);

/* Whether a path comes from the volume with the models: /MODELS, what is below it, or a file of the root that is named
   like a model. */
bool model_file_is_of_models(const char *path);

#endif
