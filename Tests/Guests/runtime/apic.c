// The local APIC in x2APIC mode, and the two clocks: the TSC and the APIC's timer.
#include "runtime.h"

static uint64_t start_tsc;

void apic_start(void) {
    uint64_t base = rdmsr(APIC_BASE);
    if (!(base & 1 << 10)) wrmsr(APIC_BASE, base | 3 << 10);
    wrmsr(APIC_SVR, 0x100 | SPURIOUS_VECTOR);
    wrmsr(APIC_TPR, 0);
    uint64_t last = rdmsr(APIC_VERSION) >> 16 & 0xFF;
    wrmsr(APIC_LVT_TIMER, 1 << 16);
    wrmsr(APIC_LVT_LINT0, 1 << 16);
    wrmsr(APIC_LVT_LINT1, 1 << 16);
    wrmsr(APIC_LVT_ERROR, 1 << 16);
    if (last >= 4) wrmsr(APIC_LVT_COUNTER, 1 << 16);
    if (last >= 5) wrmsr(APIC_LVT_THERMAL, 1 << 16);
}
bool apic_requested(uint32_t vector) { return rdmsr(APIC_IRR + vector / 32) >> (vector % 32) & 1; }

// 50 ms of the PIT's channel 2, gated by port 61h; only for machines that have one.
static uint64_t tsc_khz_by_pit(void) {
    const uint16_t count = 59659;
    out8(0x61, (in8(0x61) & ~3) | 1);
    out8(0x43, 0xB0);
    out8(0x42, (uint8_t)count);
    out8(0x42, count >> 8);
    uint64_t start = rdtsc();
    while (!(in8(0x61) & 0x20)) pause();
    return (rdtsc() - start) / 50;
}
void find_clock(void) {
    start_tsc = rdtsc();
    if (cpuid(1, 0).ecx >> 31 && cpuid(0x40000000, 0).eax >= 0x40000010)
        machine.tsc_khz = cpuid(0x40000010, 0).eax;
    if (machine.tsc_khz) return;
    struct cpuid crystal = cpuid(0x15, 0);
    if (cpuid(0, 0).eax >= 0x15 && crystal.eax && crystal.ebx && crystal.ecx)
        machine.tsc_khz = (uint64_t)crystal.ecx * crystal.ebx / crystal.eax / 1000;
    else if (in8(0x61) != 0xFF)
        machine.tsc_khz = tsc_khz_by_pit();
    else
        machine.tsc_khz = 1000000;
}
void delay_us(uint64_t us) {
    uint64_t start = rdtsc(), ticks = us * machine.tsc_khz / 1000;
    while (rdtsc() - start < ticks) pause();
}
uint64_t uptime_ms(void) { return (rdtsc() - start_tsc) / machine.tsc_khz; }

uint64_t apic_timer_per_ms(void) {
    wrmsr(APIC_LVT_TIMER, 1 << 16);
    wrmsr(APIC_DIVIDE, 11);
    wrmsr(APIC_INITIAL, 0xFFFFFFFF);
    uint64_t start = rdtsc();
    uint64_t before = rdmsr(APIC_CURRENT);
    delay_us(20000);
    uint64_t spent = before - rdmsr(APIC_CURRENT), elapsed = rdtsc() - start;
    wrmsr(APIC_INITIAL, 0);
    return spent * machine.tsc_khz / elapsed;
}
