/* What is said of the machine and of the model: at power-on, after loading, and all of it by /info. */
#ifndef BOOTLLAMA_BANNER_H
#define BOOTLLAMA_BANNER_H

#include "session/models.h"
#include "session/output.h"

/* The kernel that computes, and why. */
void banner_kernel(struct output *output, const struct models *models);

void banner_machine(struct output *output, const struct models *models);

/* The loaded model and what it took: the two lines that follow the progress. chats: it answers instead of telling. */
void banner_model(struct output *output, const struct models *models, bool chats);

/* All of it, with the settings that a story depends on; without a model, too. */
void banner_details(struct output *output, const struct models *models, bool chats);

#endif
