/* The settings: read from BOOTLLAM.CFG at power-on, changed by /set; every story advances the seed. */
#ifndef BOOTLLAMA_SETTINGS_H
#define BOOTLLAMA_SETTINGS_H

#include "session/config.h"
#include "session/output.h"

#define SETTINGS_PATH "/BOOTLLAM.CFG"

struct settings {
    struct config config;             /* sampling.seed is the next story's */
    struct config before;             /* for settings_undo */
    char path[PLATFORM_NAME_MAX + 1]; /* of the file that was read, else SETTINGS_PATH */
    char ignored[256];                /* words of the command line that are no settings, a blank before each */
    uint32_t report_bytes;
    char reports[4096]; /* what was wrong at power-on: texts, each with its NUL */
};

/*
 * Reads SETTINGS_PATH, then the platform's command line, and sets the serial port up as they say. Editors and users
 * produce similar names (BOOTLLAM.CFG.txt, bootllama.cfg): if SETTINGS_PATH is missing, the first file with such a name
 * is read, and any other is reported as not read. Errors wait for settings_report, so that the banner can come first,
 * on the right port and in the right colours. Without a file, the defaults apply.
 */
void settings_begin(struct settings *settings, struct platform *platform);

/* Shows the errors that settings_begin found, and which words of the command line are no settings. */
void settings_report(const struct settings *settings, struct output *output);

/* Sets one key as config_set does; settings_undo reverts the last call. */
int settings_set(struct settings *settings, const char *key, size_t key_length, const char *value, size_t value_length,
                 struct error *error);
void settings_undo(struct settings *settings);

/* Whether the last settings_set has changed key number `index`. */
bool settings_changed(const struct settings *settings, uint32_t index);

/* Records the name of the loaded model, so that /set shows it. */
void settings_keep_model(struct settings *settings, const char *name);

/* Draws the next seed from the clock if the setting is random. */
void settings_draw_seed(struct settings *settings, struct platform *platform);

/* Returns the seed of the story that begins now, and advances it for the next one. */
uint64_t settings_take_seed(struct settings *settings);

#endif
