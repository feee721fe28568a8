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

/* Obeys by means of the other parts, which stay the caller's. */
void commands_begin(struct commands *commands, struct platform *platform, struct output *output,
                    struct settings *settings, struct models *models, struct talk *talk);

/* Obeys a line that begins with '/'. Blanks at its end are cut off in place. */
void commands_run(struct commands *commands, char *typed);

/* line.h's completion of commands, settings and models; context is the struct commands. */
line_complete commands_complete;

/* Says what model has just been loaded. */
void commands_say_model(struct commands *commands);

/* Says in one line what the prompt takes. */
void commands_hint(struct commands *commands);

/* Restart the machine, or switch it off. They return only where it cannot do that, and have said so. */
void commands_reboot(struct commands *commands);
void commands_off(struct commands *commands);

#endif
