#include "pc/apic.h"

#include "kernel/cpu.h"
#include "pc/ports.h"

enum {
    FAMILY_P6 = 6,       /* the first with the MSR below */
    LEAF_TOPOLOGY = 0xB, /* EDX: the full 32-bit id; if the leaf does not exist, EBX is 0 */
    LEAF1_EBX_ID_SHIFT = 24,

    MSR_APIC_BASE = 0x1B,
    BASE_X2APIC = 1 << 10,
    BASE_ENABLED = 1 << 11,
    MSR_X2APIC = 0x800, /* plus the number of a register */

    /* numbers of registers; in memory 16 bytes apart */
    REGISTER_ID = 0x02,
    REGISTER_SPURIOUS = 0x0F,
    REGISTER_COMMAND = 0x30,
    REGISTER_COMMAND_HIGH = 0x31,
    SPURIOUS_ENABLED = 1 << 8,

    COMMAND_INIT = 0x4500,    /* level: assert */
    COMMAND_STARTUP = 0x4600, /* plus the number of a page */
    COMMAND_PENDING = 1 << 12,
    XAPIC_ID_MAX = 0xFE, /* FFh addresses all */
    XAPIC_ID_SHIFT = 24,

    PENDING_US = 1000,
};

static uint64_t read_msr(uint32_t msr)
{
    uint32_t low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return (uint64_t)high << 32 | low;
}

static void write_msr(uint32_t msr, uint32_t low, uint32_t high)
{
    __asm__ volatile("wrmsr" : : "c"(msr), "a"(low), "d"(high) : "memory");
}

/* A register in memory. */
static volatile uint32_t *memory_register(const struct apic *apic, uint32_t number)
{
    return (volatile uint32_t *)(uintptr_t)(apic->base + number * 16);
}

static uint32_t read_register(const struct apic *apic, uint32_t number)
{
    return apic->base == 0 ? (uint32_t)read_msr(MSR_X2APIC + number) : *memory_register(apic, number);
}

static bool has_apic(void)
{
    const struct cpuid features = cpuid_read(CPUID_FEATURES, 0);
    const uint32_t needed = CPUID_EDX_MSR | CPUID_EDX_APIC;

    return (features.eax >> 8 & 15) >= FAMILY_P6 && (features.edx & needed) == needed;
}

bool apic_find(struct apic *apic)
{
    if (!has_apic()) {
        return false;
    }
    uint64_t base = read_msr(MSR_APIC_BASE);
    if ((base & BASE_ENABLED) == 0 || base >> 32 != 0) {
        return false;
    }
    if ((base & BASE_X2APIC) != 0) {
        apic->base = 0;
        apic->id = read_register(apic, REGISTER_ID);
        apic->id_max = UINT32_MAX - 1;
    } else {
        apic->base = (uint32_t)base & 0xFFFFF000;
        apic->id = read_register(apic, REGISTER_ID) >> XAPIC_ID_SHIFT;
        apic->id_max = XAPIC_ID_MAX;
    }
    return (read_register(apic, REGISTER_SPURIOUS) & SPURIOUS_ENABLED) != 0; /* otherwise leave it off */
}

/* From CPUID, which touches nothing: another processor's APIC may be in another mode. */
uint32_t apic_current_id(void)
{
    const struct cpuid topology = cpuid_read(LEAF_TOPOLOGY, 0);

    return topology.ebx != 0 ? topology.edx : cpuid_read(CPUID_FEATURES, 0).ebx >> LEAF1_EBX_ID_SHIFT;
}

static void send(const struct apic *apic, uint32_t id, uint32_t command)
{
    if (apic->base == 0) {
        write_msr(MSR_X2APIC + REGISTER_COMMAND, command, id);
        return;
    }
    *memory_register(apic, REGISTER_COMMAND_HIGH) = id << XAPIC_ID_SHIFT;
    *memory_register(apic, REGISTER_COMMAND) = command;
    for (int i = 0; i < PENDING_US && (read_register(apic, REGISTER_COMMAND) & COMMAND_PENDING) != 0; i++) {
        port_delay(1);
    }
}

void apic_send_init(const struct apic *apic, uint32_t id)
{
    send(apic, id, COMMAND_INIT);
}

void apic_send_startup(const struct apic *apic, uint32_t id, uint32_t address)
{
    send(apic, id, COMMAND_STARTUP | address >> 12);
}
