/* The other processors of the host: a thread for each. */
#include "processors.h"

#include <pthread.h>
#include <unistd.h>

#include "pc/x87.h"

struct job {
    void (*work)(void *context, uint32_t index);
    void *context;
    uint32_t index;
};

static uint32_t wanted; /* processors, including the first; 0 = as many as the system has */
static pthread_t threads[PLATFORM_PROCESSORS_MAX];
static struct job jobs[PLATFORM_PROCESSORS_MAX];
static uint32_t started;

void processors_set(uint32_t processors)
{
    wanted = processors;
}

static void *run_job(void *argument)
{
    const struct job *job = argument;
    x87_single_precision();
    job->work(job->context, job->index);
    return NULL;
}

uint32_t processors_other(struct platform *platform)
{
    (void)platform;
    const long online = sysconf(_SC_NPROCESSORS_ONLN);
    const uint32_t processors = wanted != 0 ? wanted : online > 0 ? (uint32_t)online : 1;
    return (processors < PLATFORM_PROCESSORS_MAX ? processors : PLATFORM_PROCESSORS_MAX) - 1;
}

uint32_t processors_start(struct platform *platform, void (*work)(void *context, uint32_t index), void *context)
{
    const uint32_t others = processors_other(platform);
    for (started = 0; started < others; started++) {
        jobs[started] = (struct job){work, context, started + 1};
        if (pthread_create(&threads[started], NULL, run_job, &jobs[started]) != 0) {
            break; /* as many as the system gives */
        }
    }
    return started;
}

void processors_stop(struct platform *platform)
{
    (void)platform;
    while (started > 0) {
        pthread_join(threads[--started], NULL);
    }
}

/* The system gives a thread its time again. */
bool processors_reset(struct platform *platform, uint32_t index)
{
    (void)platform;
    (void)index;
    return false;
}
