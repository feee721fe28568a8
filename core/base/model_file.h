/*
 * Which files of /MODELS are models: the one rule for listing them, choosing one and finding a volume that has one.
 *
 * A model is a file whose name ends in .gguf, in any case, and whose first bytes are "GGUF". Folders, empty files,
 * files marked hidden or system, and names that begin with a dot are never models: other systems leave such files
 * behind, named after the model that they belong to ("._A.GGUF").
 */
#ifndef BOOTLLAMA_MODEL_FILE_H
#define BOOTLLAMA_MODEL_FILE_H

#include "platform.h"

enum { MODEL_FILE_MAGIC_BYTES = 4 };

/* Whether a directory entry can be a model, judged before the file is opened. */
bool model_file_is_named(const struct platform_entry *entry);

/* Whether a file that begins with these bytes is a model. */
bool model_file_begins(const uint8_t bytes[MODEL_FILE_MAGIC_BYTES]);

#endif
