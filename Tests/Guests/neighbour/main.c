// Starts all vCPUs, then watches. `r` at the console asks for a report; `every=SECONDS` on the command line reports by
// itself; `cpus=N` limits the vCPUs.
//
// Other letters: see `sabotage`.
//
// @neighbour ticks= missed= checksum=ok|BAD unexpected= uptime_ms= cpus= silent= spurious= late= gap_max_us= registers=
// ticks, missed: over all vCPUs. unexpected: vectors nobody asked for, NMIs included. silent: vCPUs that have not looked
// after themselves for five seconds (an INIT would do that). late: gaps above 50 periods, a note and no failure.
#include "neighbour.h"

static volatile uint64_t unexpected, last_sign[PROCESSORS_MAX];
static volatile uint32_t last_unexpected;
static uint32_t running = 1;

void on_interrupt(uint32_t processor, uint32_t vector) {
    if (vector == TIMER_VECTOR) {
        pulse_tick(processor);
        return;
    }
    last_unexpected = vector;
    __atomic_fetch_add(&unexpected, 1, __ATOMIC_RELAXED);
}
void on_exception(uint32_t processor, const struct frame *frame) {
    __atomic_fetch_add(&unexpected, 1, __ATOMIC_RELAXED);
    print("@neighbour exception cpu=%u vector=%lu error=%lx rip=%lx cr2=%lx\n", processor, frame->vector, frame->error,
          frame->rip, read_cr2());
}

static void report(void) {
    uint64_t ticks = 0, missed = 0, spurious = 0, gaps = 0, gap_max = 0;
    uint32_t silent = 0;
    for (uint32_t i = 0; i < running; i++) {
        const struct pulse *p = &pulses[i];
        ticks += p->ticks, missed += p->missed, spurious += p->spurious, gaps += p->gaps;
        if (p->gap_max_tsc > gap_max) gap_max = p->gap_max_tsc;
        if (i != 0 && rdtsc() - last_sign[i] > 5000 * machine.tsc_khz) silent++;
    }
    print("@neighbour ticks=%lu missed=%lu checksum=%s unexpected=%lu uptime_ms=%lu cpus=%u silent=%u spurious=%lu "
          "late=%lu gap_max_us=%lu registers=%s rounds=%lu\n",
          ticks, missed, memory_bad ? "BAD" : "ok", unexpected, uptime_ms(), running, silent, spurious, gaps,
          gap_max * 1000 / machine.tsc_khz, registers_bad ? register_bad_name : "ok", memory_rounds);
    if (memory_bad) print("@neighbour memory words=%lu first=%lx\n", memory_bad, memory_bad_at);
    if (unexpected) print("@neighbour unexpected last=%u\n", last_unexpected);
}

static void watch(uint32_t processor, uint64_t ms) {
    pulse_watch(processor, ms);
    registers_check(processor);
    last_sign[processor] = rdtsc();
}

static void second_main(uint32_t index) {
    last_sign[index] = rdtsc();
    pulse_start();
    registers_fill(index);
    interrupts_on();
    for (;;) watch(index, 100);
}

// A letter at the console has something done to this guest that its detectors must then find. A hypervisor built with
// faults to inject does it (Sources/Metal/Hypervisor/Exits/InjectedFaults.swift); every other one refuses.
static void sabotage(int what) {
    uint64_t kind = 0, operand = 0;
    switch (what) {
    case 'n': kind = 18; break;
    case 'm': kind = 19, operand = watched.start + 0x1238; break;
    case 't': kind = 20; break;
    case 'g': kind = 21; break;
    case 'd': kind = 22, operand = 7000 * machine.tsc_khz; break;
    // Nobody need help: an INIT for its own second vCPU.
    case 's':
        if (running > 1) wrmsr(APIC_ICR, (uint64_t)machine.apic_ids[1] << 32 | 0x4500);
        return;
    default: return;
    }
    interrupts_off();
    uint64_t call = 0x4641554C;
    asm volatile(GUARDED(".byte 0x0F, 0x01, 0xD9") : "+a"(call) : "b"(kind), "c"(operand) : "memory");
    interrupts_on();
}

void guest_main(void) {
    char text[16];
    uint64_t every = option("every", text, sizeof text) ? parse_number(text) * 1000 : 0, next_report = every;
    uint64_t most = option("cpus", text, sizeof text) ? parse_number(text) : PROCESSORS_MAX;
    memory_fill();
    timer_count = apic_timer_per_ms();
    while (running < machine.processor_count && running < most && start_processor(running, second_main)) running++;
    print("\n@neighbour start cpus=%u of %u watched=%lx+%lx tsc_khz=%lu timer_per_ms=%lu\n", running,
          machine.processor_count, watched.start, watched.size, machine.tsc_khz, timer_count);
    pulse_start();
    registers_fill(0);
    interrupts_on();
    for (;;) {
        watch(0, 100);
        memory_check();
        int typed = console_get();
        if (typed == 'r') report();
        else if (typed >= 0) sabotage(typed);
        if (every && uptime_ms() >= next_report) report(), next_report += every;
    }
}
