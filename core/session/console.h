/*
 * What the files of the session share: console.c (power-on, prompt), say.c (lines of text), banner.c (machine and model
 * in words), models.c (finding and loading), tell.c (stories and turns), commands.c, bench_table.c. Nobody else
 * includes it.
 */
#ifndef BOOTLLAMA_CONSOLE_H
#define BOOTLLAMA_CONSOLE_H

#include "base/memory.h"
#include "infer/engine.h"
#include "infer/story.h"
#include "infer/team.h"
#include "kernel/cpu.h"
#include "session/config.h"
#include "session/line.h"
#include "session/typeahead.h"
#include "session/wrap.h"

enum { TICKER_MAX = 80 };

#define MODELS_FOLDER "/MODELS"
#define CONFIG_PATH "/BOOTLLAM.CFG"

struct console {
    struct platform *platform;
    void (*set_colour)(struct platform *, enum platform_colour); /* the platform's own, while colours are off */
    struct cpu_features cpu;
    const struct kernel *kernel; /* that models are loaded for */
    bool kernel_typed;           /* by /kernel; else it is the best one */
    bool loaded;                 /* engine holds the model at `path` */
    bool hinted;                 /* what the prompt takes has been said */
    bool told;                   /* a story or turn, with last_seed and last_prompt */
    bool leave;
    const char *argument; /* of the command that runs */
    int first_key;        /* typed at a countdown: it begins the first line; KEY_NONE = none */
    bool quiet_loading;   /* the ticker says for what, and nothing stays of it */
    uint64_t last_seed;
    uint32_t mark;           /* tokens of the conversation before the last turn */
    uint64_t file_bytes;     /* of the model that is loaded */
    uint64_t loading_since;  /* microseconds */
    uint64_t shown_at;       /* when progress was shown last, microseconds */
    const struct chat *chat; /* of this model, or as configured; NULL = stories */
    struct chat configured_chat;
    struct config config; /* sampling.seed is the next story's */
    struct team team;
    struct typeahead keys;
    struct history history;
    struct line line;
    struct wrap wrap;
    char ticker[TICKER_MAX]; /* what the line that changes in place shows */
    char path[PLATFORM_NAME_MAX + sizeof MODELS_FOLDER];
    char last_prompt[ENGINE_PROMPT_MAX];
    struct platform_entry entry; /* of a directory, scratch */
    uint32_t candidate, candidate_at; /* completion: the number of the next one, and the word it is looked for from */
    struct engine engine;
};

/* ---- say.c ---- */

/* Columns to break lines at, by the setting `wrap`; 0 = none. */
uint32_t console_width(const struct console *console);

/* Shows a whole line, or several, broken at spaces before the screen's edge; at most 1 KiB. */
void say(struct console *console, enum platform_colour colour, const char *pattern, ...)
    __attribute__((format(printf, 3, 4)));
void say_error(struct console *console, const char *message);

/* The line that changes in place: only what differs from the text shown there before is written again, with '\b' and
   spaces; at most TICKER_MAX - 1 ASCII characters, cut before the screen's last column. "" takes it away. ticker_end
   leaves it and goes to the next line. */
void ticker_show(struct console *console, const char *whole);
void ticker_end(struct console *console);

/* Draws `filled` of `cells` as '#', the others as `rest`, and a NUL. */
void draw_bar(char *out, uint32_t cells, uint32_t filled, char rest);

/* part * scale / whole, without overflow for whole < 2^63; scale <= 1000. 0 / 0 is scale. */
uint32_t share_of(uint64_t part, uint64_t whole, uint32_t scale);

struct short_text {
    char text[24];
};
/* For `say`: the space is a WRAP_TIE. */
struct short_text size_text(uint64_t bytes);        /* "303 KiB", "1.3 MiB" */
struct short_text time_text(uint64_t microseconds); /* "850 us", "12.3 ms", "1.5 s" */

/* ---- console.c ---- */

/* Colours as the setting `colour` says. */
void console_use_colour(struct console *console);

/* ---- banner.c ---- */

void banner_kernel(struct console *console);
void banner_machine(struct console *console);
void banner_model(struct console *console);
void banner_details(struct console *console);

/* ---- models.c ---- */

/* Writes to *entry the first model file at *index or after it in /MODELS, and counts *index on behind it. Returns
   PLATFORM_OK, or what the platform's list call returned. */
int models_next(struct console *console, uint32_t *index);

/* Loads the configured model, or the first on the medium; says what it does and what fails. */
void models_load(struct console *console);

/* Loads the model called `name` (any case, without its extension, or by its number in the list) in place of the present
   one, which comes back if that fails. */
void models_choose(struct console *console, const char *name);

/* The same model for another kernel. */
void models_reload(struct console *console, const struct kernel *kernel);

/* Loads the model at console->path for `kernel`, showing progress. Returns 0, or -1 with the error said. */
int models_open(struct console *console, const struct kernel *kernel);

void models_close(struct console *console);

/* All of them, with their sizes and whether they fit. */
void models_list(struct console *console);

/* ---- tell.c ---- */

/* The setting of chat and stories: after a model has been loaded or a chat setting changed. */
void tell_prepare(struct console *console);

/* Tells a story that begins with `prompt`, or answers it in a chat, with the next seed, and says how it went. Returns
   whether it was told without being stopped. */
bool tell(struct console *console, const char *prompt);

/* The last one once more. */
void tell_again(struct console *console);

/* Draws a seed where it is to be random. */
void tell_draw_seed(struct console *console);

/* ---- commands.c ---- */

void command_reboot(struct console *console);
void command_off(struct console *console);

/* Obeys a line that begins with '/'; blanks at its end are taken off. */
void command_run(struct console *console, char *typed);

/* line.h's completion of commands, settings and models; context is the console. */
line_complete command_complete;

/* One line that says what the prompt takes. */
void command_hint(struct console *console);

/* ---- bench_table.c ---- */

/* Times every kernel that the processor can run with the model that is loaded, and draws the result. */
void bench_table(struct console *console);

#endif
