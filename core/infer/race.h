/*
 * Which kernel is the fastest for a model on this machine: all usable ones run a slice of it, against the clock.
 *
 * Names do not tell: an emulator runs wide vectors slower than narrow ones, and where memory is the limit, the widest
 * kernel may lose. All kernels give the same bits, so the choice never shows in a text.
 */
#ifndef BOOTLLAMA_RACE_H
#define BOOTLLAMA_RACE_H

#include "gguf/gguf.h"
#include "kernel/kernel.h"
#include "platform.h"

/* The result. All zero: there was no race. */
struct race {
    uint32_t ns[KERNELS]; /* nanoseconds that a piece of the model takes each kernel; 0 = did not take part */
};

/* Runs `pieces` >= 1 pieces of work on the kernel kernel_at(index). */
typedef void race_work(void *context, uint32_t index, uint32_t pieces);

/*
 * Times the kernels for which `usable` is set, the last of which is the favourite, for some 2 ms each and three times
 * over, those that need more than twice the fastest one's time only twice: the machine may have paused. *race stays
 * zero where only one is usable and where the clock stands still or is too coarse.
 */
void race_time(struct race *race, struct platform *platform, const bool usable[KERNELS], race_work *work,
               void *context);

/* The kernel to use: of those within a twentieth of the fastest one's time, the last by the list, so that noise changes
   nothing. Without a race it is `otherwise`. The scalar one, the slowest wherever there is another, never wins: an
   emulator that translates code in the background may have translated it first. */
const struct kernel *race_winner(const struct race *race, const struct kernel *otherwise);

/*
 * Runs the race of the kernels for which `usable` is set, for a model with this header, on weights that mean nothing,
 * so that none are packed for a kernel that loses. Takes memory of the platform, 64 MiB at most, and gives it back;
 * where there is not enough, there is no race. Fills *race.
 */
void race_run(struct race *race, struct platform *platform, const struct gguf *gguf, const bool usable[KERNELS]);

#endif
