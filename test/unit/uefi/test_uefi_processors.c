/* uefi/processors.c against MP services made of tables: what firmware may answer, and what becomes of its events. */
#include "unit.h"

#include "kernel/cpu.h"
#include "pc/apic.h"
#include "pc/control_registers.h"
#include "platform.h"
#include "uefi/processors.h"

enum { EVENTS = 8, SECOND_US = 1000000 };

/* The firmware: its answers, and what it saw. */
static struct {
    bool no_protocol, no_event;
    UINTN all, enabled;
    EFI_STATUS count_status, start_status;
    uint32_t busy;    /* calls that find the others busy still */
    uint32_t missing; /* of the others, so many never come back */
    uint32_t lacking; /* and so many of the last have no SSE2 */
    bool on_lacking;  /* what runs now runs on one of those */
    bool is_open[EVENTS + 1], is_signalled[EVENTS + 1];
    uintptr_t events;  /* made so far */
    EFI_EVENT pending; /* to be signalled when all have returned */
    uint32_t stalled;  /* microseconds */
    uint32_t starts;
    bool no_apic;
    uint32_t current; /* the processor that runs */
    uint32_t reset;   /* the id of one that has been */
} firmware;

static struct processors processors;

/* ---- In the place of core/kernel/cpuid.c and pc/control_registers.c ---- */

bool cpuid_exists(void)
{
    return true;
}

struct cpuid cpuid_instruction(uint32_t leaf, uint32_t subleaf)
{
    (void)subleaf;
    const uint32_t edx = CPUID_EDX_FPU | CPUID_EDX_FXSR | CPUID_EDX_SSE | CPUID_EDX_SSE2;
    return (struct cpuid){leaf == 0, 0, 0, leaf == 1 ? edx & ~(firmware.on_lacking ? CPUID_EDX_SSE2 : 0) : 0};
}

uint64_t xcr0_read(void)
{
    assert_true(!"there is no XSAVE");
    return 0;
}

bool xcr0_write(uint64_t value)
{
    (void)value;
    return xcr0_read() != 0;
}

static uintptr_t cr0, cr4;

uintptr_t cr0_read(void)
{
    return cr0;
}

void cr0_write(uintptr_t value)
{
    cr0 = value;
}

uintptr_t cr4_read(void)
{
    return cr4;
}

bool cr4_write(uintptr_t value)
{
    cr4 = value;
    return true;
}

static uint32_t mxcsr = 0x9FC0;

uint32_t mxcsr_read(void)
{
    return mxcsr;
}

void mxcsr_write(uint32_t value)
{
    mxcsr = value;
}

/* ---- In the place of pc/apic.c ---- */

bool apic_find(struct apic *apic)
{
    apic->id = 100;
    return !firmware.no_apic;
}

uint32_t apic_current_id(void)
{
    return 100 + firmware.current;
}

void apic_send_init(const struct apic *apic, uint32_t id)
{
    assert_int_equal(apic->id, 100);
    assert_int_equal(firmware.reset, 0);
    firmware.reset = id;
}

/* ---- The firmware's services ---- */

static uint32_t worked[PLATFORM_PROCESSORS_MAX]; /* how often each number was given to work() */

static EFI_STATUS EFIAPI get_number(void *this, UINTN *all, UINTN *enabled)
{
    assert_non_null(this);
    *all = firmware.all;
    *enabled = firmware.enabled;
    return firmware.count_status;
}

/* The others run one after the other, each on this processor; one that is missing stops in the middle of its work. */
static void run_others(void EFIAPI (*procedure)(void *), void *argument)
{
    const uint32_t others = (uint32_t)firmware.enabled - 1;

    for (uint32_t i = 1; i <= others; i++) {
        firmware.on_lacking = i > others - firmware.lacking;
        firmware.current = i;
        cr0 = 0x8001003B;
        cr4 = 0x620;
        procedure(argument);
        assert_true(cr0 == 0x8001003B && cr4 == 0x620 && mxcsr == 0x9FC0); /* as the firmware had them */
    }
    firmware.on_lacking = false;
    processors.returned -= firmware.missing;
}

static EFI_STATUS EFIAPI startup_all(void *this, void EFIAPI (*procedure)(void *), BOOLEAN one_by_one, EFI_EVENT event,
                                     UINTN timeout, void *argument, UINTN **failed)
{
    assert_non_null(this);
    assert_non_null(procedure);
    assert_false(one_by_one);
    assert_true(firmware.is_open[(uintptr_t)event]);
    assert_int_equal(timeout, 0);
    assert_ptr_equal(argument, &processors);
    assert_null(failed);
    if (firmware.busy > 0) {
        firmware.busy--;
        return EFI_NOT_READY;
    }
    if (firmware.start_status == EFI_SUCCESS) {
        if (firmware.pending != NULL) {
            assert_true(firmware.is_open[(uintptr_t)firmware.pending]);
            firmware.is_signalled[(uintptr_t)firmware.pending] = true;
        }
        firmware.pending = event;
        firmware.starts++;
        run_others(procedure, argument);
    }
    return firmware.start_status;
}

static void *services[7] = {get_number, NULL, (void *)startup_all};

static EFI_STATUS EFIAPI locate_protocol(EFI_GUID *guid, VOID *registration, VOID **interface)
{
    static const uint8_t expected[16] = {0x05, 0xA6, 0xDD, 0x3F, 0x6E, 0xA7, 0x46, 0x4F,
                                         0xAD, 0x29, 0x12, 0xF4, 0x53, 0x1B, 0x3D, 0x08};
    assert_memory_equal(guid, expected, sizeof expected);
    assert_null(registration);
    *interface = firmware.no_protocol ? NULL : services;
    return firmware.no_protocol ? EFI_NOT_FOUND : EFI_SUCCESS;
}

static EFI_STATUS EFIAPI create_event(UINT32 type, EFI_TPL level, EFI_EVENT_NOTIFY notify, VOID *context,
                                      EFI_EVENT *event)
{
    (void)level;
    (void)context;
    assert_int_equal(type, 0);
    assert_null(notify);
    if (firmware.no_event || firmware.events == EVENTS) {
        return EFI_OUT_OF_RESOURCES;
    }
    *event = (EFI_EVENT)++firmware.events;
    firmware.is_open[firmware.events] = true;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI close_event(EFI_EVENT event)
{
    assert_true(firmware.is_open[(uintptr_t)event]);
    assert_true(event != firmware.pending);
    firmware.is_open[(uintptr_t)event] = false;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI check_event(EFI_EVENT event)
{
    assert_true(firmware.is_open[(uintptr_t)event]);
    return firmware.is_signalled[(uintptr_t)event] ? EFI_SUCCESS : EFI_NOT_READY;
}

/* Time passes: ten times a second the firmware looks whether all are back. */
static EFI_STATUS EFIAPI stall(UINTN microseconds)
{
    const uint32_t before = firmware.stalled / 100000;
    firmware.stalled += (uint32_t)microseconds;
    if (firmware.stalled / 100000 != before && firmware.pending != NULL && firmware.missing == 0) {
        firmware.is_signalled[(uintptr_t)firmware.pending] = true;
        firmware.pending = NULL;
    }
    return EFI_SUCCESS;
}

static EFI_BOOT_SERVICES boot = {
    .LocateProtocol = locate_protocol,
    .CreateEvent = create_event,
    .CloseEvent = close_event,
    .CheckEvent = check_event,
    .Stall = stall,
};

static void work(void *context, uint32_t index)
{
    (void)context;
    assert_true(index >= 1 && index < PLATFORM_PROCESSORS_MAX);
    assert_int_equal(mxcsr, 0x1F80);
    worked[index]++;
}

/* A machine with so many processors, of which some may be switched off. */
static void begin(UINTN all, UINTN enabled)
{
    memset(&firmware, 0, sizeof firmware);
    memset(worked, 0, sizeof worked);
    firmware.all = all;
    firmware.enabled = enabled;
    processors_open(&processors, &boot);
}

static uint32_t open_events(void)
{
    uint32_t count = 0;
    for (uint32_t i = 1; i <= EVENTS; i++) {
        count += firmware.is_open[i];
    }
    return count;
}

static void check_note(const char *expected)
{
    char note[sizeof((struct platform *)0)->processors_note];

    processors_tell(&processors, note, sizeof note);
    assert_string_equal(note, expected);
}

static void the_others_are_started_again_and_again(void **state)
{
    (void)state;
    begin(4, 4);
    for (uint32_t i = 1; i <= 5; i++) {
        assert_int_equal(processors_start(&processors, work, &firmware), 3);
        assert_int_equal(firmware.starts, i);
        assert_ptr_equal(processors.work, work);
        assert_ptr_equal(processors.context, &firmware);
        processors_stop(&processors);
        assert_int_equal(firmware.stalled, 0);
        assert_int_equal(open_events(), 1);
        assert_true(worked[1] == i && worked[2] == i && worked[3] == i && worked[4] == 0);
        check_note("");
    }
    processors_close(&processors);
    assert_int_equal(open_events(), 0);
    assert_true(firmware.stalled <= 100000);
}

static void a_machine_may_have_no_others(void **state)
{
    (void)state;
    begin(1, 1);
    assert_int_equal(processors_start(&processors, work, NULL), 0);
    begin(4, 1); /* the others are switched off */
    assert_int_equal(processors_start(&processors, work, NULL), 0);
    begin(4, 0); /* nonsense */
    assert_int_equal(processors_start(&processors, work, NULL), 0);
    begin(4, 4);
    firmware.count_status = EFI_DEVICE_ERROR;
    assert_int_equal(processors_start(&processors, work, NULL), 0);
    begin(4, 4);
    firmware.no_event = true;
    assert_int_equal(processors_start(&processors, work, NULL), 0);
    processors_stop(&processors);
    processors_close(&processors);
    assert_int_equal(firmware.stalled, 0);
    assert_int_equal(firmware.starts, 0);
}

static void firmware_may_lack_the_protocol(void **state)
{
    (void)state;
    memset(&firmware, 0, sizeof firmware);
    firmware.no_protocol = true;
    processors_open(&processors, &boot);
    assert_int_equal(processors_start(&processors, work, NULL), 0);
    processors_stop(&processors);
    processors_close(&processors);
    assert_int_equal(firmware.events, 0);
    memset(&firmware, 0, sizeof firmware);
    firmware.no_apic = true;
    firmware.all = firmware.enabled = 2;
    processors_open(&processors, &boot);
    assert_int_equal(processors_start(&processors, work, NULL), 0); /* none that cannot be reset */
    assert_int_equal(firmware.events, 0);
}

static void firmware_may_refuse_once_a_boot_option_runs(void **state)
{
    (void)state;
    begin(4, 4);
    firmware.start_status = EFI_UNSUPPORTED;
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(processors_start(&processors, work, NULL), 0);
        processors_stop(&processors);
        check_note("3 left out: the firmware does not start them");
    }
    assert_int_equal(firmware.events, 1); /* not asked again */
    assert_int_equal(open_events(), 0);
    processors_close(&processors);
    assert_int_equal(firmware.stalled, 0);
}

static void busy_firmware_is_waited_for_within_bounds(void **state)
{
    (void)state;
    begin(2, 2);
    firmware.busy = 1000;
    assert_int_equal(processors_start(&processors, work, NULL), 1);
    processors_stop(&processors);
    begin(2, 2);
    firmware.busy = UINT32_MAX;
    assert_int_equal(processors_start(&processors, work, NULL), 0);
    assert_true(firmware.stalled <= SECOND_US);
    assert_int_equal(open_events(), 0);
}

static void more_than_fit_are_left_out(void **state)
{
    (void)state;
    begin(200, 192);
    assert_int_equal(processors_start(&processors, work, NULL), PLATFORM_PROCESSORS_MAX - 1);
    processors_stop(&processors);
    assert_int_equal(firmware.stalled, 0);
}

static void one_that_does_not_return_is_the_last_that_was_started(void **state)
{
    (void)state;
    begin(4, 4);
    firmware.missing = 1;
    assert_int_equal(processors_start(&processors, work, NULL), 3);
    processors_stop(&processors);
    assert_true(firmware.stalled >= SECOND_US && firmware.stalled < 2 * SECOND_US);
    check_note("1 left out: no answer");
    assert_int_equal(processors_start(&processors, work, NULL), 0);
    processors_stop(&processors);
    processors_close(&processors);
    assert_true(firmware.stalled < 2 * SECOND_US);
    assert_int_equal(open_events(), 1); /* the firmware may signal it yet */
}

static void one_that_hangs_is_reset(void **state)
{
    (void)state;
    begin(4, 4);
    firmware.missing = 1;
    assert_int_equal(processors_start(&processors, work, NULL), 3);
    assert_true(processors_reset(&processors, 2));
    assert_int_equal(firmware.reset, 102);
    assert_true(firmware.stalled >= 10000);
    processors_stop(&processors);
    assert_true(firmware.stalled < 100000); /* nobody waits for it */
    check_note("1 left out: no answer");
    assert_int_equal(processors_start(&processors, work, NULL), 0);
    processors_close(&processors);
    assert_int_equal(open_events(), 1);
}

static void one_that_lacks_instructions_is_left_out(void **state)
{
    (void)state;
    begin(6, 6);
    firmware.lacking = 2;
    for (uint32_t i = 1; i <= 3; i++) {
        assert_int_equal(processors_start(&processors, work, NULL), 3);
        assert_true(worked[1] == i && worked[2] == i && worked[3] == i && worked[4] == 0);
        processors_stop(&processors);
        check_note("2 left out: instructions missing");
    }
    firmware.missing = 1;
    assert_int_equal(processors_start(&processors, work, NULL), 3);
    processors_stop(&processors);
    check_note("2 left out: instructions missing, 1 left out: no answer");
    assert_int_equal(processors_start(&processors, work, NULL), 0);
    processors_close(&processors);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_others_are_started_again_and_again),
        cmocka_unit_test(a_machine_may_have_no_others),
        cmocka_unit_test(firmware_may_lack_the_protocol),
        cmocka_unit_test(firmware_may_refuse_once_a_boot_option_runs),
        cmocka_unit_test(busy_firmware_is_waited_for_within_bounds),
        cmocka_unit_test(more_than_fit_are_left_out),
        cmocka_unit_test(one_that_does_not_return_is_the_last_that_was_started),
        cmocka_unit_test(one_that_hangs_is_reset),
        cmocka_unit_test(one_that_lacks_instructions_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
