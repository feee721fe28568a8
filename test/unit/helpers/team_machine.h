/* A machine whose processors are threads, with a team on it. */
#ifndef BOOTLLAMA_TEST_TEAM_MACHINE_H
#define BOOTLLAMA_TEST_TEAM_MACHINE_H

#include "unit.h"

#include <pthread.h>

#include "infer/team.h"

enum { TEAM_MOST = 8 }; /* processors */

extern struct team_machine {
    struct platform platform;
    uint32_t others;  /* processors that it says it has started, besides the first */
    uint32_t absent;  /* of them, so many of the last never come */
    uint32_t late_us; /* they come so much later */
    uint32_t starts;  /* calls of start_processors */
    bool started;     /* between start and stop */
    bool is_exclusive;
    uint64_t now;
    uint32_t us_a_look; /* that pass from one reading of the clock to the next */
    uint32_t looks;     /* whether to stop */
    uint32_t stop_at;   /* the look that says so; 0 = none */
    bool waits;         /* reset_processor cannot reset */
    uint32_t resets;    /* calls of it; each waits until a thread has ended */
    uint32_t ended;     /* threads, counted by themselves */
    uint32_t reset;     /* the processor of the last one */
    pthread_t thread[TEAM_MOST];
    uint32_t threads;
    uint32_t returned; /* of them */
    void (*work)(void *context, uint32_t index);
    void *context;
} team_machine;

extern struct team team;
extern struct compute compute;

/* A new machine with this many processors, all of which the team uses. */
void begin_machine(uint32_t processors);

/* A question for `compute`, to &team_machine. */
bool stop_asked(void *context);

#endif
