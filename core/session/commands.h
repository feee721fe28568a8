/* Commands: the lines that begin with '/' at the prompt. */
#ifndef BOOTLLAMA_COMMANDS_H
#define BOOTLLAMA_COMMANDS_H

#include "session/line.h"
#include "session/models.h"
#include "session/output.h"
#include "session/settings.h"
#include "session/talk.h"

struct commands {
    struct platform *platform;
    struct output *output;
    struct settings *settings;
    struct models *models;
    struct talk *talk;
    bool leave;                       /* /exit was typed */
    const char *argument;             /* of the running command */
    uint32_t candidate, candidate_at; /* completion: the next candidate and the word to search from */
};

/* Sets *commands up to work on the other parts, which the caller keeps. */
void commands_begin(struct commands *commands, struct platform *platform, struct output *output,
                    struct settings *settings, struct models *models, struct talk *talk);

/* Runs a line that begins with '/'. Trailing blanks are cut off in place. */
void commands_run(struct commands *commands, char *typed);

/* Completes commands, settings and models for line.h; context is the struct commands. */
line_complete commands_complete;

/* Describes the model that has just been loaded. */
void commands_say_model(struct commands *commands);

/* Says in one line what to type at the prompt. */
void commands_hint(struct commands *commands);

/* Restart the machine, or switch it off. They return only if that fails, after saying so. */
void commands_reboot(struct commands *commands);
void commands_off(struct commands *commands);

#endif
