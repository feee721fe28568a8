/*
 * What core/ asks of the machine under it: the only way out of core/.
 *
 * bios/platform.c, uefi/platform.c and host/platform.c each fill one struct platform. Every call takes
 * that struct first, so an implementation finds its own state through `state` and needs no globals.
 * Calls are made from one processor, never from inside another call, and return in bounded time.
 */
#ifndef BOOTLLAMA_PLATFORM_H
#define BOOTLLAMA_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What file and directory calls return; negative values are failures, and platform.error then says why. */
enum platform_status {
    PLATFORM_OK = 0,
    PLATFORM_NOT_FOUND = -1, /* no such file, directory or entry */
    PLATFORM_IO_ERROR = -2,  /* the medium failed for good: retries are the platform's own business */
};

/* What get_key returns: a Unicode code point, or one of these. Enter is '\r', Backspace 0x08, Escape 0x1B. */
enum platform_key {
    KEY_NONE = -1, /* nothing was typed */
    KEY_UP = 0x110000,
    KEY_DOWN,
    KEY_LEFT,
    KEY_RIGHT,
    KEY_HOME,
    KEY_END,
    KEY_DELETE,
};

/* What text is for: a screen shows it in a colour of its own where it can. */
enum platform_colour {
    COLOUR_TEXT,   /* what the model writes, and everything else */
    COLOUR_NOTE,   /* figures and hints around it */
    COLOUR_ACCENT, /* what the eye should find: the banner's name, the prompt sign */
    COLOUR_ERROR,
};

enum { PLATFORM_PROCESSORS_MAX = 64 }; /* that compute at once, the first one included */

enum { PLATFORM_NAME_MAX = 256 }; /* bytes of a file name in UTF-8, its NUL included */

struct platform_file {
    uint64_t size;      /* bytes, as the file system states them */
    uintptr_t state[6]; /* the platform's own */
};

struct platform_entry {
    char name[PLATFORM_NAME_MAX]; /* UTF-8 with NUL, long name where there is one */
    uint64_t size;                /* bytes */
    bool is_directory;
    bool is_hidden; /* the file system marks it hidden or as the system's */
};

struct platform {
    void *state;             /* the platform's own; core/ does not look */
    const char *firmware;    /* "BIOS", "UEFI" or "host" */
    const char *vendor;      /* who made the firmware and its version, "" if unknown; UTF-8 */
    uint32_t columns;        /* width of the text screen in characters, 0 if unknown or a pipe */
    uint32_t preferred_read; /* bytes per read call that suit the medium: a power of two, 4 KiB to 1 MiB */
    char error[96];          /* why the last file call failed, for a person: "INT 13h status 10h at LBA 2112" */

    /* Writes n bytes of UTF-8 to the console: screen and serial port where both exist. '\n' is a whole line
       end; '\b' steps back one column; no other control character is passed. A sequence of UTF-8 is never
       split between calls. Cannot fail: a console that does not take the text in bounded time loses it. */
    void (*put)(struct platform *, const char *utf8, size_t n);

    /* Sets the colour of the text that follows. The serial port and pipes stay plain. */
    void (*set_colour)(struct platform *, enum platform_colour colour);

    /* Moves the serial side of the console to COM1..COM4 (port 1..4) at `speed` bits a second, 8N1, or ends it (port
       0). Returns false where that cannot be, with `error` saying why; the console then stays as it was. */
    bool (*set_serial)(struct platform *, uint32_t port, uint32_t speed);

    /* Returns the next key typed on the keyboard or the serial port, or KEY_NONE at once. */
    int (*get_key)(struct platform *);

    /* Opens `path`, absolute on the boot volume with '/' between the parts, any case: "/MODELS/A.GGUF".
       Fills *file; close gives back what open took. At most two files are open at once. */
    int (*open)(struct platform *, const char *path, struct platform_file *file);
    void (*close)(struct platform *, struct platform_file *file);

    /* Reads exactly `bytes` from `offset` into buffer (any address, any alignment); offset + bytes is within
       the file. Reading on from where the last read ended is fast; anything else is allowed. */
    int (*read)(struct platform *, struct platform_file *file, uint64_t offset, void *buffer, uint32_t bytes);

    /* Fills *entry with entry number `index` (from 0) of `directory`, in the order on the medium, without
       "." and "..", volume labels and deleted entries. PLATFORM_NOT_FOUND past the last one. */
    int (*list)(struct platform *, const char *directory, uint32_t index, struct platform_entry *entry);

    /* Time since some moment before core/ was entered, never running backwards; good to a millisecond. */
    uint64_t (*microseconds)(struct platform *);

    /* A number for a seed that differs from one power-on to the next, from the clock that runs on without power. */
    uint64_t (*clock_seed)(struct platform *);

    /* Memory for models: the largest piece that reserve can give now, in bytes; a piece of at least `bytes`,
       aligned to 4096, with any content, or NULL; and its return, newest first. */
    uint64_t (*memory_free)(struct platform *);
    void *(*reserve)(struct platform *, size_t bytes);
    void (*release)(struct platform *, void *memory, size_t bytes);

    /* Around every stretch of computing: between on and off nothing but core/ may touch vector registers
       (UEFI raises the task priority). No other call of this struct is made in between. */
    void (*exclusive)(struct platform *, bool on);

    /* Rests the processor for a moment, at most 60 ms or until a key may have come: called while waiting for one. */
    void (*idle)(struct platform *);

    /* How many processors start_processors would start, at most. Starts none. */
    uint32_t (*other_processors)(struct platform *);

    /* Runs work(context, i) on every other processor at once, i counting from 1, and returns without waiting how many
       there are (0 where the machine has or gives no more). Each has its vector state on, floating point set up as the
       first one's, a stack of at least 16 KiB, and calls nothing of this struct. stop_processors waits until all have
       returned from `work`, which the caller has told them to do; before it, start_processors is not called again. */
    uint32_t (*start_processors)(struct platform *, void (*work)(void *context, uint32_t index), void *context);
    void (*stop_processors)(struct platform *);

    /* Restart and switch off. They return only where the firmware cannot do it. */
    void (*reboot)(struct platform *);
    void (*power_off)(struct platform *);
};

/*
 * The program itself: both boot paths and the host program call it when everything above works (core/console.c).
 * The processor's vector state is on (cpu_enable_vector_state in cpu.h), an x87 build runs at 24-bit precision
 * control, the stack has at least 64 KiB left. Returns when the user asks to leave; the firmware then has the
 * machine back.
 */
void console_run(struct platform *platform);

#endif
