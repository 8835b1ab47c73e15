// (g) One thing as often as this guest can, on all of its vCPUs, until it is started anew: the neighbour is to keep its
// ticks and its exits. `storm:KIND`.
#include "functions.h"

#define ASSERTED (1u << 14)

static const char *kind;
static volatile uint8_t sink;

static void rounds(uint32_t processor) {
    struct range memory = free_memory();
    uint64_t at = memory.start + (processor ? memory.size / 2 : 0), end = at + memory.size / 2, seed = 5;
    volatile uint8_t *outside = equal(kind, "memory") && processor == 0 ? map_outside("above") : nullptr;
    for (uint64_t i = 0;; i++) {
        if (equal(kind, "cpuid")) cpuid((uint32_t)i & 0x1F, 0);
        else if (equal(kind, "port")) in32((uint16_t)(0x1000 + i % 64));
        else if (equal(kind, "kick")) out8(0x508, 1);
        else if (equal(kind, "msr")) rdmsr(APIC_BASE);
        else if (equal(kind, "memory")) outside ? (void)(outside[i & 0xFFF] = (uint8_t)i) : pause();
        else if (equal(kind, "ipi")) wrmsr(APIC_ICR, (uint64_t)machine.apic_ids[processor] << 32 | ASSERTED | 0x51);
        else if (equal(kind, "all-ipi")) wrmsr(APIC_ICR, next_random(&seed) << 32 | 3u << 18 | ASSERTED | 0x40);
        else if (equal(kind, "halt")) wrmsr(APIC_INITIAL, 100), wait_for_interrupt();
        else if (equal(kind, "flush")) asm volatile("wbinvd" ::: "memory");
        else if (equal(kind, "translations")) write_cr3(read_cr3()), invlpg(at + i % 64 * 4096);
        else if (equal(kind, "cache")) {
            for (uint64_t p = at; p < end; p += 64) *(volatile uint64_t *)p += i;
        } else if (equal(kind, "console")) out8(0x3F8, '.');
        else if (equal(kind, "engine")) engine_read(1ull << 32, 8);
        else if (equal(kind, "entropy")) entropy_begin(1ull << 32, 8), delay_us(2000), entropy_start();
        else if (equal(kind, "locks")) {
            // A split lock, which takes the whole memory bus on silicon.
            asm volatile("lock incq (%0)" ::"r"(at + 60) : "memory");
        } else sink = (uint8_t)i;
    }
}
static void second(uint32_t index) {
    wrmsr(APIC_DIVIDE, 11);
    wrmsr(APIC_LVT_TIMER, 0x62);
    if (equal(kind, "ipi") || equal(kind, "all-ipi")) interrupts_on();
    rounds(index);
}
void attack_storm(const char *argument) {
    announce("storm", argument);
    delay_us(300000);  // so that this line is read before a storm of others overruns it
    kind = argument;
    bool is_there = equal(kind, "engine") ? engine_ready() : !equal(kind, "entropy") || entropy_start();
    if (!is_there) return attempt("storm", "no-engine");
    if (machine.processor_count > 1) start_processor(1, second);
    second(0);
}
