// The 1 kHz pulse of each vCPU.
#include "neighbour.h"

struct pulse pulses[PROCESSORS_MAX];
uint64_t timer_count;

/// How long an expired shot may stay without an interrupt before it counts as missed. An emulator fires its timers from
/// another thread than the vCPU's, so "expired but not yet requested" lasts as long as that thread is not scheduled.
#define GRACE_MS 5000

static void arm(struct pulse *p) {
    p->silent_since = 0;
    p->armed_at = rdtsc();
    p->armed = true;
    wrmsr(APIC_INITIAL, timer_count);
}
void pulse_start(void) {
    struct pulse *p = nullptr;
    uint32_t own = (uint32_t)rdmsr(APIC_ID);
    for (uint32_t i = 0; i < machine.processor_count; i++)
        if (machine.apic_ids[i] == own) p = &pulses[i];
    if (!p) return;
    wrmsr(APIC_DIVIDE, 11);
    wrmsr(APIC_LVT_TIMER, TIMER_VECTOR);  // one-shot
    arm(p);
}
void pulse_tick(uint32_t processor) {
    struct pulse *p = &pulses[processor];
    // While the shot still runs, it was somebody else who sent its vector.
    if (!p->armed || rdmsr(APIC_CURRENT) != 0) {
        p->spurious++;
        return;
    }
    uint64_t gap = rdtsc() - p->armed_at;
    if (gap > p->gap_max_tsc) p->gap_max_tsc = gap;
    if (gap > 50 * machine.tsc_khz) p->gaps++;
    p->ticks++;
    arm(p);
}
void pulse_check(uint32_t processor) {
    struct pulse *p = &pulses[processor];
    interrupts_off();
    if (rdmsr(APIC_CURRENT) != 0 || apic_requested(TIMER_VECTOR)) {
        p->silent_since = 0;
    } else if (!p->silent_since) {
        p->silent_since = rdtsc();
    } else if (rdtsc() - p->silent_since > GRACE_MS * machine.tsc_khz) {
        p->missed++;
        wrmsr(APIC_LVT_TIMER, TIMER_VECTOR);
        arm(p);
    }
    interrupts_on();
}
void pulse_watch(uint32_t processor, uint64_t ms) {
    struct pulse *p = &pulses[processor];
    uint64_t target = p->ticks + ms, start = rdtsc();
    // The clock bounds the wait, lest a dead timer keeps this vCPU from reporting it.
    while (p->ticks < target && rdtsc() - start < 2 * ms * machine.tsc_khz) {
        interrupts_off();
        // A dead timer wakes nobody: sleep only while a shot is under way.
        if (rdmsr(APIC_CURRENT) != 0 || apic_requested(TIMER_VECTOR)) wait_for_interrupt();
        interrupts_on();
        pause();
    }
    pulse_check(processor);
}
