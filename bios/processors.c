#include "processors.h"

#include <stddef.h>

#include "acpi_root.h"
#include "clock.h"
#include "io.h"
#include "kernel/cpu.h"
#include "layout.h"
#include "pc/acpi_madt.h"
#include "pc/apic.h"
#include "pc/processors_note.h"
#include "pc/vector_state.h"
#include "pc/x87.h"
#include "platform.h"

enum {
    FAR_JUMP = 0xEA, /* to a 16-bit offset and segment */

    INIT_US = 10000,  /* from reset to start-up message */
    STARTUP_US = 200, /* to the second one */
    COMING_US = 100000,
    CHECKING_US = 100000,
    RETURNING_US = 1000000,
    GATE_CLOSED = 1 << 30,
};

/* For processors_entry.asm. */
uint32_t processors_arrived; /* incremented by each that arrives; GATE_CLOSED for late ones */
uint32_t processors_limit;   /* the number of stacks */
uint8_t *processors_stacks;  /* [processors_limit][PROCESSOR_STACK] */
struct {
    uint16_t limit;
    uint32_t base;
} __attribute__((packed)) processors_vectors; /* the first processor's */

void processors_entry(void); /* 16-bit code; only its address is used */
void processors_enter(uint32_t number);

/* The record of a processor that has arrived. */
struct visit {
    uint32_t id;
    uint32_t index; /* that the job knows it by; 0 = none */
    enum { VISIT_BEGUN, VISIT_LACKING, VISIT_OVER } state;
};

static struct apic apic;
static uint32_t ids[PLATFORM_PROCESSORS_MAX - 1]; /* of the others' local APICs */
static uint32_t id_count;
static struct cpu_features needed;                   /* what the first one has */
static struct visit visits[PLATFORM_PROCESSORS_MAX]; /* in order of arrival, from 1 on */
static uint32_t came;                                /* until processors_stop */
static uint32_t checked, fit, returned;              /* counted by the processors themselves */
static uint32_t lacking, silent;                     /* left out permanently */
static void (*job)(void *context, uint32_t index);
static void *job_context;

void processors_find(struct extended_memory *memory)
{
    if (apic_find(&apic)) {
        id_count = acpi_find_processors(acpi_root(), apic.id, apic.id_max, ids, PLATFORM_PROCESSORS_MAX - 1);
    }
    processors_stacks = id_count > 0 ? extended_memory_reserve(memory, id_count * PROCESSOR_STACK) : NULL;
    if (processors_stacks == NULL) {
        id_count = 0;
    }
    processors_limit = id_count;
}

uint32_t processors_count(void)
{
    return id_count;
}

/* Waits until *count reaches `target`; returns whether it did so in time. */
static bool wait_for(const uint32_t *count, uint32_t target, uint32_t microseconds)
{
    struct clock_limit limit = clock_limit(microseconds);

    while (__atomic_load_n(count, __ATOMIC_ACQUIRE) < target) {
        if (clock_limit_passed(&limit)) {
            return false;
        }
    }
    return true;
}

static void delay(uint32_t microseconds)
{
    struct clock_limit limit = clock_limit(microseconds);

    while (!clock_limit_passed(&limit)) {}
}

static void reset_all(void)
{
    for (uint32_t i = 0; i < id_count; i++) {
        apic_send_init(&apic, ids[i]);
    }
}

static void send_startup_to_all(void)
{
    for (uint32_t i = 0; i < id_count; i++) {
        apic_send_startup(&apic, ids[i], TRAMPOLINE);
    }
}

/* The start-up message names a page, and the code itself does not begin on one. */
static void lay_trampoline(void)
{
    volatile uint8_t *jump = memory_at(TRAMPOLINE);
    const uint32_t entry = (uint32_t)processors_entry;

    jump[0] = FAR_JUMP;
    jump[1] = (uint8_t)entry;
    jump[2] = (uint8_t)(entry >> 8);
    jump[3] = jump[4] = 0; /* segment */
}

/* The second start-up message is for processors that missed the first. Returns how many have arrived. */
static uint32_t wake_all(void)
{
    reset_all();
    delay(INIT_US);
    __atomic_store_n(&processors_arrived, 0, __ATOMIC_SEQ_CST);
    send_startup_to_all();
    if (!wait_for(&processors_arrived, id_count, STARTUP_US)) {
        send_startup_to_all();
        wait_for(&processors_arrived, id_count, COMING_US);
    }
    return __atomic_exchange_n(&processors_arrived, GATE_CLOSED, __ATOMIC_SEQ_CST);
}

uint32_t processors_start(void (*work)(void *context, uint32_t index), void *context)
{
    if (id_count == 0) {
        return 0;
    }
    cpu_detect(&needed);
    job = work;
    job_context = context;
    checked = fit = returned = 0;
    __asm__ volatile("sidt %0" : "=m"(processors_vectors));
    lay_trampoline();
    came = wake_all();
    wait_for(&checked, came, CHECKING_US);
    return __atomic_load_n(&fit, __ATOMIC_ACQUIRE);
}

static bool remove_id(uint32_t id)
{
    for (uint32_t i = 0; i < id_count; i++) {
        if (ids[i] == id) {
            ids[i] = ids[--id_count];
            return true;
        }
    }
    return false;
}

/* Removes the processors with a visit in this state from the list; removes all if one's id is not on it. */
static uint32_t leave_out(uint32_t state)
{
    uint32_t count = 0;

    for (uint32_t i = 1; i <= came; i++) {
        if (__atomic_load_n(&visits[i].state, __ATOMIC_ACQUIRE) == state) {
            count++;
            id_count = remove_id(visits[i].id) ? id_count : 0;
        }
    }
    return count;
}

void processors_stop(char *note, size_t size)
{
    if (!wait_for(&returned, came, RETURNING_US)) {
        reset_all();
    }
    silent += leave_out(VISIT_BEGUN);
    lacking += leave_out(VISIT_LACKING);
    came = 0;
    processors_note(note, size, lacking, silent);
}

bool processors_reset(uint32_t index)
{
    for (uint32_t i = 1; i <= came; i++) {
        if (visits[i].index == index) {
            apic_send_init(&apic, visits[i].id);
            delay(INIT_US);
            __atomic_add_fetch(&returned, 1, __ATOMIC_RELEASE); /* on its behalf */
            return true;
        }
    }
    return false;
}

/* Runs the job if this processor has all features of the first one. */
static uint32_t visit_team(struct visit *self)
{
    struct cpu_features features;

    cpu_detect(&features);
    if (!cpu_runs_all_of(&features, &needed)) {
        __atomic_add_fetch(&checked, 1, __ATOMIC_RELEASE);
        return VISIT_LACKING;
    }
    self->index = __atomic_add_fetch(&fit, 1, __ATOMIC_RELEASE);
    __atomic_add_fetch(&checked, 1, __ATOMIC_RELEASE);
    job(job_context, self->index);
    return VISIT_OVER;
}

/* Called from processors_entry.asm on a processor that has arrived, on its own stack; then it parks. */
void processors_enter(uint32_t number)
{
    struct visit *self = &visits[number];
    struct vector_state at_start;

    *self = (struct visit){.id = apic_current_id(), .state = VISIT_BEGUN};
    vector_state_enable(&at_start);
    x87_start();
    const uint32_t state = visit_team(self);
    __atomic_store_n(&self->state, state, __ATOMIC_RELEASE);
    __atomic_add_fetch(&returned, 1, __ATOMIC_RELEASE);
}
