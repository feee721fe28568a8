/* Who obeys: what begins with '/' at the prompt. */
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
    const char *argument;             /* of the command that runs */
    uint32_t candidate, candidate_at; /* completion: the number of the next one, and the word it is looked for from */
};

void commands_begin(struct commands *commands, struct platform *platform, struct output *output,
                    struct settings *settings, struct models *models, struct talk *talk);

/* Obeys a line that begins with '/'; blanks at its end are taken off. */
void commands_run(struct commands *commands, char *typed);

/* line.h's completion of commands, settings and models; context is the struct commands. */
line_complete commands_complete;

/* One line that says what the prompt takes. */
void commands_hint(struct commands *commands);

/* Restart and switch off. They return only where the machine cannot do it, and have said so. */
void commands_reboot(struct commands *commands);
void commands_off(struct commands *commands);

#endif
