#include "processors.h"

#include <stdbool.h>

#include "base/format.h"
#include "pc/processors_note.h"
#include "pc/vector_state.h"
#include "platform.h"

typedef void EFIAPI mp_procedure(void *argument);
typedef EFI_STATUS EFIAPI mp_count(struct mp_services *, UINTN *all, UINTN *enabled);
typedef EFI_STATUS EFIAPI mp_start_all(struct mp_services *, mp_procedure *, BOOLEAN one_by_one, EFI_EVENT finished,
                                       UINTN timeout_us, void *argument, UINTN **failed);

/* The part in use; four more functions follow. */
struct mp_services {
    mp_count *get_number_of_processors;
    void *get_processor_info;
    mp_start_all *startup_all_aps;
};

enum {
    POLL_US = 20,
    BUSY_POLLS = 15000,      /* 0.3 s: firmware may not have noticed yet that all have returned */
    CHECKING_POLLS = 5000,   /* 0.1 s */
    RETURNING_POLLS = 50000, /* 1 s */
    RESET_US = 10000,
    FXSAVE_BYTES = 512,
};

void processors_open(struct processors *processors, EFI_BOOT_SERVICES *boot)
{
    EFI_GUID guid = {0x3FDDA605, 0xA76E, 0x4F46, {0xAD, 0x29, 0x12, 0xF4, 0x53, 0x1B, 0x3D, 0x08}};
    void *services = NULL;

    *processors = (struct processors){.boot = boot};
    if (!EFI_ERROR(boot->LocateProtocol(&guid, NULL, &services)) && apic_find(&processors->apic)) {
        processors->services = services;
    }
}

/* Takes a number and works, if this processor has all features of the first one. */
static void serve(struct processors *processors)
{
    struct cpu_features features;

    cpu_detect(&features);
    if (!cpu_runs_all_of(&features, &processors->needed)) {
        __atomic_add_fetch(&processors->lacking, 1, __ATOMIC_RELEASE);
        return;
    }
    const uint32_t index = __atomic_add_fetch(&processors->fit, 1, __ATOMIC_RELEASE);
    if (index < PLATFORM_PROCESSORS_MAX) {
        processors->ids[index] = apic_current_id();
        processors->work(processors->context, index);
    }
}

/* Runs on each of the others. The firmware calls it with its own paging on its own stack, usually of 32 KiB and
   possibly misaligned. It calls nothing of the firmware and preserves all registers, even those that the firmware's
   calling convention lets a function change. */
__attribute__((force_align_arg_pointer)) static void EFIAPI enter(void *argument)
{
    uint8_t registers[FXSAVE_BYTES] __attribute__((aligned(16)));
    struct processors *processors = argument;
    struct vector_state vector_state;

    vector_state_enable(&vector_state);
    __asm__ volatile("fxsave %0; fninit" : "=m"(registers));
    serve(processors);
    __asm__ volatile("fxrstor %0" : : "m"(registers));
    vector_state_restore(&vector_state);
    __atomic_add_fetch(&processors->returned, 1, __ATOMIC_RELEASE);
}

/* Counts the others that are neither disabled nor faulty: the firmware starts only those. */
static uint32_t count_enabled(struct mp_services *services)
{
    UINTN all = 0, enabled = 0;

    return EFI_ERROR(services->get_number_of_processors(services, &all, &enabled)) || enabled < 1 ? 0 : enabled - 1;
}

static uint32_t at_most(uint32_t others)
{
    return others < PLATFORM_PROCESSORS_MAX ? others : PLATFORM_PROCESSORS_MAX - 1;
}

uint32_t processors_count(const struct processors *processors)
{
    return processors->services != NULL ? at_most(count_enabled(processors->services)) : 0;
}

/* Starts them; the firmware signals this event when all have finished. */
static bool start_all(struct processors *processors, EFI_EVENT finished)
{
    struct mp_services *services = processors->services;

    for (uint32_t i = 0; i < BUSY_POLLS; i++) {
        EFI_STATUS status = services->startup_all_aps(services, enter, FALSE, finished, 0, processors, NULL);
        if (status != EFI_NOT_READY) {
            return !EFI_ERROR(status);
        }
        processors->boot->Stall(POLL_US);
    }
    return false;
}

/* The firmware must never hold a closed event: the previous one is closed once it has the next. */
static bool start_with_event(struct processors *processors)
{
    EFI_BOOT_SERVICES *boot = processors->boot;
    EFI_EVENT finished;

    if (EFI_ERROR(boot->CreateEvent(0, 0, NULL, NULL, &finished))) {
        return false;
    }
    bool started = start_all(processors, finished);
    EFI_EVENT unused = started ? processors->finished : finished;
    if (started) {
        processors->finished = finished;
    }
    if (unused != NULL) {
        boot->CloseEvent(unused);
    }
    return started;
}

/* Waits until each has checked itself. */
static void wait_for_checks(const struct processors *processors)
{
    for (uint32_t i = 0; i < CHECKING_POLLS; i++) {
        if (__atomic_load_n(&processors->fit, __ATOMIC_ACQUIRE) +
                __atomic_load_n(&processors->lacking, __ATOMIC_ACQUIRE) >=
            processors->running) {
            return;
        }
        processors->boot->Stall(POLL_US);
    }
}

uint32_t processors_start(struct processors *processors, void (*work)(void *context, uint32_t index), void *context)
{
    uint32_t others = processors->services != NULL ? count_enabled(processors->services) : 0;

    if (others == 0) {
        return 0;
    }
    processors->work = work;
    processors->context = context;
    processors->fit = processors->lacking = processors->returned = 0;
    cpu_detect(&processors->needed);
    if (!start_with_event(processors)) {
        processors->refused = at_most(others);
        processors->services = NULL;
        return 0;
    }
    processors->running = others;
    wait_for_checks(processors);
    return at_most(__atomic_load_n(&processors->fit, __ATOMIC_ACQUIRE));
}

bool processors_reset(struct processors *processors, uint32_t index)
{
    apic_send_init(&processors->apic, processors->ids[index]);
    processors->boot->Stall(RESET_US);
    __atomic_add_fetch(&processors->returned, 1, __ATOMIC_RELEASE); /* on its behalf */
    processors->silent++;
    processors->services = NULL;
    return true;
}

void processors_stop(struct processors *processors)
{
    for (uint32_t i = 0; __atomic_load_n(&processors->returned, __ATOMIC_ACQUIRE) < processors->running; i++) {
        if (i == RETURNING_POLLS) {
            processors->silent += processors->running - __atomic_load_n(&processors->returned, __ATOMIC_ACQUIRE);
            processors->services = NULL;
            break;
        }
        processors->boot->Stall(POLL_US);
    }
    processors->running = 0;
}

void processors_tell(const struct processors *processors, char *out, size_t size)
{
    if (processors->refused > 0) {
        format(out, size, "%u left out: the firmware does not start them", processors->refused);
    } else {
        processors_note(out, size, processors->lacking, processors->silent);
    }
}

/* An event that the firmware never signals stays open. */
void processors_close(struct processors *processors)
{
    for (uint32_t i = 0; processors->finished != NULL && i < BUSY_POLLS; i++) {
        if (processors->boot->CheckEvent(processors->finished) == EFI_SUCCESS) {
            processors->boot->CloseEvent(processors->finished);
            processors->finished = NULL;
        } else {
            processors->boot->Stall(POLL_US);
        }
    }
}
