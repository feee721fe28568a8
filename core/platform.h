/*
 * Everything that core/ asks of the machine: its only way out.
 *
 * bios/bios_platform.c, uefi/uefi_platform.c and host/host_platform.c each fill one struct platform. Every call takes
 * it first, so an implementation finds its own state through `state` and needs no globals. One processor makes all
 * calls, never one from inside another, and each returns in bounded time.
 */
#ifndef BOOTLLAMA_PLATFORM_H
#define BOOTLLAMA_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What file and directory calls return. Negative values are failures; platform.error then says why. */
enum platform_status {
    PLATFORM_OK = 0,
    PLATFORM_NOT_FOUND = -1, /* no such file, directory or entry */
    PLATFORM_IO_ERROR = -2,  /* the medium failed, after the platform's own retries */
    PLATFORM_STOPPED = -3,   /* stop_asked returned true */
};

/* What get_key returns: a Unicode code point, or one of these. Backspace is 0x08. */
enum platform_key {
    KEY_NONE = -1, /* nothing was typed */
    KEY_CTRL_C = 0x03,
    KEY_ENTER = '\r',
    KEY_ESCAPE = 0x1B,
    KEY_UP = 0x110000,
    KEY_DOWN,
    KEY_LEFT,
    KEY_RIGHT,
    KEY_HOME,
    KEY_END,
    KEY_DELETE,
};

/* What a text is for. A screen that has colours gives each kind its own. */
enum platform_colour {
    COLOUR_TEXT,   /* what the model writes, and everything else */
    COLOUR_NOTE,   /* figures and hints around it */
    COLOUR_ACCENT, /* what the eye should find: the name in the banner, the prompt sign */
    COLOUR_ERROR,
    COLOUR_THOUGHT, /* what a model thinks before it answers: dimmed */
};

enum { PLATFORM_PROCESSORS_MAX = 64 }; /* processors that compute at once, including the first */

enum { PLATFORM_WINDOW_ROOM = 48 << 10 }; /* bytes in front of platform->window */

enum { PLATFORM_NAME_MAX = 256 }; /* bytes of a file name in UTF-8, its NUL included */

struct platform_file {
    uint64_t size;      /* bytes, as the file system states them */
    uintptr_t state[6]; /* the platform's own */
};

struct platform_entry {
    char name[PLATFORM_NAME_MAX]; /* UTF-8 with NUL; the long name if the file has one */
    uint64_t size;                /* bytes */
    bool is_directory;
    bool is_hidden; /* the file system marks it hidden or system */
};

struct platform {
    void *state;              /* the platform's own; core/ does not look at it */
    const char *firmware;     /* "BIOS", "UEFI" or "host" */
    const char *vendor;       /* maker and version of the firmware in UTF-8, "" if unknown */
    uint32_t columns;         /* width of the text screen in characters; 0 if unknown, or for a pipe */
    uint32_t preferred_read;  /* the read size that suits the medium, in bytes: whole sectors, 1 MiB at most */
    uint8_t *window;          /* preferred_read bytes that read fills fastest, with PLATFORM_WINDOW_ROOM bytes in front
                                 of them, for core/ to read models through; NULL = any memory will do */
    char error[96];           /* why the last file call failed, for a person: "INT 13h status 10h at LBA 2112" */
    bool is_gone;             /* it failed because the drive does not answer: all fail at once until a key is typed */
    char processors_note[64]; /* which processors do not compute and why, for a person; "" while all do */

    /* Settings that the boot loader has passed, as session/command_line.h reads them; NULL = none. */
    const char *command_line;

    /* Returns whether the user wants to stop. core/ sets it; NULL until then. A file call that may take longer than 100
       ms calls it from time to time and fails with PLATFORM_STOPPED if it returns true. It is the one exception to the
       rule above: it calls get_key and microseconds. */
    bool (*stop_asked)(void *context);
    void *stop_context;

    /* Writes n bytes of UTF-8 to the console: screen and serial port where both exist. '\n' ends a line, '\b' steps
       back one column; core/ passes no other control character and never splits a UTF-8 sequence between calls.
       Cannot fail: text that the console does not accept in bounded time is lost. */
    void (*put)(struct platform *, const char *utf8, size_t n);

    /* Sets the colour of the text that follows. The serial port and pipes stay plain, but that a terminal on the serial
       port is told to dim COLOUR_THOUGHT (ESC [ 2 m, ESC [ 0 m behind it). */
    void (*set_colour)(struct platform *, enum platform_colour colour);

    /* Moves the serial side of the console to COM1..COM4 (port 1..4) at `speed` bits a second, 8N1, or turns it off
       (port 0). On failure returns false with the reason in `error`; the console is then unchanged. */
    bool (*set_serial)(struct platform *, uint32_t port, uint32_t speed);

    /* Returns the next key typed on the keyboard or serial port; KEY_NONE, without waiting, if there is none. */
    int (*get_key)(struct platform *);

    /* Opens `path`, which is absolute, separated by '/' and case-insensitive: "/MODELS/A.GGUF". Fills *file; close
       releases what open took. At most two files are open at once.

       If there are several volumes, they are searched in this order: the one that the program was started from (on BIOS
       the active partition, or the one into which the image was written); the other FAT volumes of that drive, in
       partition table order; on UEFI, if none of these has a model, the first volume of another drive that has one.
       /MODELS, with its folders, and files of the root that are named like models come from the first volume that has a
       model there: a file named *.GGUF that begins with "GGUF" (base/model_walk.h). Any other file comes from the first
       volume that has it. */
    int (*open)(struct platform *, const char *path, struct platform_file *file);
    void (*close)(struct platform *, struct platform_file *file);

    /* Reads exactly `bytes` from `offset` into buffer (any address, any alignment); offset + bytes is within the file.
       Sequential reads are fast, those of preferred_read bytes into a buffer aligned to 4096 the fastest; any other
       order is allowed. */
    int (*read)(struct platform *, struct platform_file *file, uint64_t offset, void *buffer, uint32_t bytes);

    /* Fills *entry with entry number `index` (from 0) of `directory`, in the order on the medium, without ".", "..",
       volume labels and deleted entries. PLATFORM_NOT_FOUND past the last one. "/" is the root of the first volume,
       "/MODELS/.." the root of the one that /MODELS comes from. */
    int (*list)(struct platform *, const char *directory, uint32_t index, struct platform_entry *entry);

    /* Time since some moment before core/ was entered, accurate to a millisecond. Never runs backwards. */
    uint64_t (*microseconds)(struct platform *);

    /* Returns a seed that differs from one power-on to the next, from the battery-backed clock among others. */
    uint64_t (*clock_seed)(struct platform *);

    /* Memory for models. memory_free returns the bytes of the largest block that reserve can give now. reserve returns
       a block of at least `bytes`, aligned to 4096, contents undefined, or NULL. release gives a block back; the newest
       goes first. */
    uint64_t (*memory_free)(struct platform *);
    void *(*reserve)(struct platform *, size_t bytes);
    void (*release)(struct platform *, void *memory, size_t bytes);

    /* Brackets every stretch of computing: between on and off nothing but core/ touches vector registers (UEFI raises
       the task priority level). In between, core/ calls nothing of this struct but microseconds and reset_processor. */
    void (*exclusive)(struct platform *, bool on);

    /* Idles the processor while core/ waits for a key. Returns when a key may have arrived, after 60 ms at most. */
    void (*idle)(struct platform *);

    /* Returns how many processors start_processors would start at most. Starts none. */
    uint32_t (*other_processors)(struct platform *);

    /* Runs work(context, i) on all other processors at once, with i counting from 1, except on those that lack a
       feature that the first processor's kernels need. Returns their number without waiting for `work`, 0 if there are
       none. Each runs with its vector state on, floating point set up as on the first, and a stack of at least 16 KiB;
       it calls nothing of this struct. Before core/ starts them again, it makes them return from `work` and calls
       stop_processors, which waits for them. A processor that does not return is never started again. */
    uint32_t (*start_processors)(struct platform *, void (*work)(void *context, uint32_t index), void *context);
    void (*stop_processors)(struct platform *);

    /* Resets processor `index`, which does not answer, so that it executes nothing more of `work`, even if it only
       slept; stop_processors then does not wait for it. Returns false if it cannot be reset: it has to be waited for.
       May be called within a stretch of computing. */
    bool (*reset_processor)(struct platform *, uint32_t index);

    /* Restart the machine and switch it off. Each returns only if the firmware cannot do it. */
    void (*reboot)(struct platform *);
    void (*power_off)(struct platform *);
};

/*
 * The program itself (session/console.c). Both boot paths and the host program call it once everything above works: the
 * vector state is on, an x87 build runs with 24-bit precision control, at least 64 KiB of stack are left. Returns when
 * the user asks to leave; the firmware then has the machine back.
 */
void console_run(struct platform *platform);

#endif
