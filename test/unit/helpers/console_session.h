/* Sessions of console_run on a platform in memory: keys in, the exact transcript out. */
#ifndef BOOTLLAMA_TEST_CONSOLE_SESSION_H
#define BOOTLLAMA_TEST_CONSOLE_SESSION_H

#include "memory_platform.h"

enum { TRANSCRIPT_MAX = 1 << 16, SESSION_MEMORY = 6 << 20 };

/* What a session is given, and what it did. Zero is a session that leaves at the first prompt. */
struct session {
    const char *keys;        /* typed at the prompt, a line at a time; "/exit" follows by itself. \f is Up */
    const char *keys_ahead;  /* typed while it computes or reads, NULL = none; */
    const char *ahead_after; /* once the transcript holds this, */
    uint32_t look;           /* and that many looks at the keyboard later */
    int countdown_key;       /* pressed while it counts down, 0 = none; */
    uint32_t countdown_rest; /* at this rest of 50 ms, those of all countdowns counted from 0 */
    uint64_t step;           /* microseconds from one look at the clock to the next */
    uint64_t free_bytes;     /* 0 = SESSION_MEMORY */
    uint64_t bad_from;       /* 0, or a byte of every file that cannot be read */
    bool bad_is_gone;        /* because the drive does not answer */
    uint32_t columns;
    bool show_colours;  /* "{1}" in the transcript for COLOUR_NOTE and so on */
    bool no_serial;     /* set_serial fails */
    const char *vendor; /* NULL = "" */
    const char *command_line;

    uint32_t reboots, offs, lists, serials, serial_port, serial_speed;
    char transcript[TRANSCRIPT_MAX];
    size_t length;
};

/*
 * Runs a session over files that end with a NULL path and checks that it gave everything back. Returns the transcript
 * from the line after the five of the banner on; session->transcript has all of it.
 */
const char *session_run(struct session *session, const struct memory_file *files);

/* The text without what '\b' took away. Static; good until the next call. */
const char *session_plain(const char *transcript);

#endif
