/* Describes the machine and the model: at power-on, after loading, and in full for /info. */
#ifndef BOOTLLAMA_BANNER_H
#define BOOTLLAMA_BANNER_H

#include "session/models.h"
#include "session/output.h"

/* Says which kernel is in use, and why. */
void banner_kernel(struct output *output, const struct models *models);

/* Describes the machine: firmware, CPU, processors, memory. */
void banner_machine(struct output *output, const struct models *models);

/* Describes the loaded model, its kernel and its memory in three lines. chats: the model answers instead of telling
   stories. */
void banner_model(struct output *output, const struct models *models, bool chats);

/* Says that the model's chat template is unknown, and what to do. */
void banner_unknown_chat(struct output *output);

/* Describes all of this and the settings that a story depends on. A model need not be loaded. */
void banner_details(struct output *output, const struct models *models, bool chats);

#endif
