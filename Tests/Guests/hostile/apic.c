// (g) The local APIC's own registers, all of which the guest has for itself but for the command register: whatever it
// writes there is its own loss, and must not become another core's or the hypervisor's.
#include "attack.h"

#define TICK 0x60

// Whether the timer still interrupts: "works" or "dead".
static const char *timer(void) {
    apic_start();
    wrmsr(APIC_DIVIDE, 11);
    uint64_t before = interrupts[TICK];
    wrmsr(APIC_LVT_TIMER, TICK);
    wrmsr(APIC_INITIAL, 100000);
    interrupts_on();
    for (uint32_t ms = 0; ms < 10000 && interrupts[TICK] == before; ms++) delay_us(1000);
    interrupts_off();
    wrmsr(APIC_LVT_TIMER, 1 << 16);
    return interrupts[TICK] > before ? "works" : "dead";
}
// Each vector and delivery mode in each local source: SMI, INIT and ExtINT are the ones that leave the guest's hands.
static void local_sources(void) {
    static const struct {
        const char *name;
        uint32_t msr;
    } sources[] = {{"lvt-thermal", APIC_LVT_THERMAL}, {"lvt-counter", APIC_LVT_COUNTER}, {"lvt-lint0", APIC_LVT_LINT0},
                   {"lvt-lint1", APIC_LVT_LINT1}, {"lvt-error", APIC_LVT_ERROR}, {"lvt-timer", APIC_LVT_TIMER},
                   {"lvt-cmci", 0x82F}};
    for (size_t s = 0; s < sizeof sources / sizeof sources[0]; s++) {
        uint32_t taken = 0, refused = 0;
        announce(sources[s].name, "");
        for (uint32_t mode = 0; mode < 8; mode++)
            for (uint32_t vector = 0; vector < 256; vector += 15)
                try_wrmsr(sources[s].msr, mode << 8 | vector) >= 0 ? refused++ : taken++;
        try_wrmsr(sources[s].msr, 1 << 16);
        attempt(sources[s].name, "%u-taken,%u-#GP,timer-%s", taken, refused, timer());
    }
}
// Each bit by itself, masked: which each entry takes. What a processor would refuse must never be written for the guest.
static void local_bits(void) {
    static const struct {
        const char *name;
        uint32_t msr;
    } entries[] = {{"thermal", APIC_LVT_THERMAL}, {"counter", APIC_LVT_COUNTER}, {"lint0", APIC_LVT_LINT0},
                   {"lint1", APIC_LVT_LINT1}, {"error", APIC_LVT_ERROR}, {"cmci", 0x82F}};
    char seen[160];
    size_t used = 0;
    announce("lvt-bits", "");
    for (size_t e = 0; e < sizeof entries / sizeof entries[0]; e++) {
        uint64_t taken = 0;
        for (uint32_t bit = 0; bit < 64; bit++)
            if (try_wrmsr(entries[e].msr, 1ull << bit | 1 << 16) < 0) taken |= 1ull << bit;
        try_wrmsr(entries[e].msr, 1 << 16);
        used += format_into(seen + used, sizeof seen - used, "%s%s-%lx", e ? "," : "", entries[e].name, taken);
    }
    attempt("lvt-bits", "%s,timer-%s", seen, timer());
}
static void storms(void) {
    announce("eoi-storm", "");
    for (uint32_t i = 0; i < 100000; i++) try_wrmsr(APIC_EOI, 0);
    uint32_t refused = 0;
    for (uint32_t i = 1; i < 100; i++)
        if (try_wrmsr(APIC_EOI, i) == 13) refused++;
    attempt("eoi-storm", "100000-sent,%u-of-99-nonzero-#GP,timer-%s", refused, timer());

    announce("self-ipi-storm", "");
    uint64_t before = interrupts[0x61];
    interrupts_on();
    for (uint32_t i = 0; i < 20000; i++) try_wrmsr(APIC_SELF, 0x61);
    // Not below 32: those are exceptions to our handlers, which miss the error code (and QEMU delivers even the illegal).
    for (uint32_t vector = 32; vector < SPURIOUS_VECTOR; vector++) try_wrmsr(APIC_SELF, vector);
    delay_us(1000);
    interrupts_off();
    uint64_t back = interrupts[0x61] - before;
    attempt("self-ipi-storm", "20223-sent,%lu-delivered,timer-%s", back, timer());

    // As fast as the timer can: one interrupt after another without a main program in between.
    announce("timer-storm", "");
    before = interrupts[TICK];
    wrmsr(APIC_DIVIDE, 11);
    wrmsr(APIC_LVT_TIMER, 1 << 17 | TICK);
    wrmsr(APIC_INITIAL, 2000);
    interrupts_on();
    for (uint32_t i = 0; i < 200; i++) asm volatile("cpuid" ::"a"(0), "c"(0) : "rbx", "rdx", "memory");
    delay_us(50000);
    interrupts_off();
    wrmsr(APIC_INITIAL, 0);
    back = interrupts[TICK] - before;
    attempt("timer-storm", "%lu-interrupts,timer-%s", back, timer());
}
static void off_and_on(void) {
    announce("apic-off", "");
    for (uint32_t i = 0; i < 100; i++) {
        wrmsr(APIC_SVR, 0x0FF);
        try_wrmsr(APIC_TPR, 0xFF);
        try_wrmsr(APIC_TPR, ~0ull);
        wrmsr(APIC_SVR, 0x1FF);
    }
    attempt("apic-off", "timer-%s", timer());
}
// The timer's rate is what the hypervisor's leaf says: whoever has no clock to measure it by needs none. A core that the host
// stops in the middle measures something else.
static void frequency(void) {
    announce("apic-frequency", "");
    uint64_t told = cpuid(0x40000010, 0).ebx, measured = 0;
    for (uint32_t i = 0; i < 50 && (measured * 100 < told * 98 || measured * 100 > told * 102); i++)
        measured = apic_timer_per_ms();
    bool same = told && measured * 100 >= told * 98 && measured * 100 <= told * 102;
    attempt("apic-frequency", "%s,told=%lu,measured=%lu", same ? "as-told" : "another", told, measured);
}
// All registers but the command registers, with everything.
static void garbage(void) {
    uint64_t seed = 0xA91C, value;
    uint32_t taken = 0, refused = 0;
    announce("apic-garbage", "");
    for (uint32_t msr = 0x800; msr <= 0x8FF; msr++) {
        try_rdmsr(msr, &value);
        if (msr == APIC_ICR || msr == APIC_SELF) continue;
        for (int i = 0; i < 16; i++) {
            uint64_t wrote = i == 0 ? ~0ull : i < 8 ? (uint32_t)next_random(&seed) : next_random(&seed);
            try_wrmsr(msr, wrote) >= 0 ? refused++ : taken++;
        }
    }
    wrmsr(APIC_INITIAL, 0);
    bool same = rdmsr(APIC_ID) == machine.apic_ids[0];
    attempt("apic-garbage", "%u-taken,%u-#GP,id-%s,timer-%s", taken, refused, same ? "kept" : "changed", timer());
}
// Vectors that are exceptions' or nobody's: the timer and this vCPU itself ask for them. Whatever comes is this guest's own.
asm(".text\nlow_vector: incq low_vectors\n pushq %rax\n pushq %rcx\n pushq %rdx\n movl $0x80B, %ecx\n xorl %eax, %eax\n"
    " xorl %edx, %edx\n wrmsr\n popq %rdx\n popq %rcx\n popq %rax\n iretq\n");
extern const char low_vector[];
volatile uint64_t low_vectors;
static void low(void) {
    announce("low-vectors", "");
    low_vectors = 0;
    for (uint32_t vector = 0; vector < 32; vector++)
        if (vector != 2 && vector != 13 && vector != 14) set_gate(vector, (uint64_t)low_vector);
    wrmsr(APIC_DIVIDE, 11);
    interrupts_on();
    for (uint32_t vector = 0; vector < 16; vector++) {
        if (vector == 2 || vector == 13 || vector == 14) continue;
        try_wrmsr(APIC_LVT_TIMER, vector);
        try_wrmsr(APIC_INITIAL, 1000);
        delay_us(500);
        try_wrmsr(APIC_SELF, vector);
        delay_us(500);
        cpuid(0, 0);
    }
    interrupts_off();
    wrmsr(APIC_LVT_TIMER, 1 << 16);
    load_interrupt_table(0);
    attempt("low-vectors", "26-asked,%lu-delivered,timer-%s", low_vectors, timer());
}
// The task priority, through both of its names, from nothing held back to everything.
static void priorities(void) {
    uint32_t same = 0, refused = 0;
    announce("task-priorities", "");
    for (uint32_t value = 0; value < 256; value++) {
        if (try_wrmsr(APIC_TPR, value) < 0 && rdmsr(APIC_TPR) == value && read_cr8() == value >> 4) same++;
    }
    for (uint32_t bit = 8; bit < 64; bit++)
        if (try_wrmsr(APIC_TPR, 1ull << bit) == 13) refused++;
    wrmsr(APIC_TPR, 0);
    attempt("task-priorities", "%u-of-256-same,%u-of-56-#GP,timer-%s", same, refused, timer());
}
// Off by APIC_BASE, and back on by the only way that there is. Registers are there in x2APIC mode alone.
static uint32_t refused_registers(void) {
    uint32_t refused = 0;
    uint64_t value;
    for (uint32_t msr = 0x800; msr < 0x900; msr++) {
        if (try_rdmsr(msr, &value) == 13) refused++;
        if (try_wrmsr(msr, 0) == 13) refused++;
    }
    return refused;
}
static void global_off(void) {
    announce("apic-global-off", "");
    uint64_t base = rdmsr(APIC_BASE), off = base & ~0xC00ull, apic = off | 0x800;
    volatile uint32_t *id = (uint32_t *)0xFEE00020;
    uint32_t faults = (try_wrmsr(APIC_BASE, apic) == 13) + (try_wrmsr(APIC_BASE, off | 0x400) == 13)
        + (try_wrmsr(APIC_BASE, off ^ 0x1000) == 13) + (try_wrmsr(APIC_BASE, off ^ 0x100) == 13);
    bool kept = rdmsr(APIC_BASE) == base;
    wrmsr(APIC_LVT_TIMER, 1 << 17 | TICK);
    wrmsr(APIC_INITIAL, 1000);
    int switched = try_wrmsr(APIC_BASE, off);
    uint64_t before = interrupts[TICK];
    interrupts_on();
    delay_us(5000);
    interrupts_off();
    bool silent = interrupts[TICK] == before, hidden = !(cpuid(1, 0).edx >> 9 & 1) && rdmsr(APIC_BASE) == off;
    uint32_t refused = refused_registers(), ones = *id == ~0u;
    faults += (try_wrmsr(APIC_BASE, base) == 13) + (try_wrmsr(APIC_BASE, off | 0x400) == 13);
    switched += try_wrmsr(APIC_BASE, apic);
    bool shown = cpuid(1, 0).edx >> 9 & 1;
    refused += refused_registers();
    ones += *id == ~0u;
    switched += try_wrmsr(APIC_BASE, base);
    attempt("apic-global-off", "%s,%s,%u-faults,%s,%s,%u-refused,%u-ones,id-%s,timer-%s",
            switched == -3 ? "switched" : "not-switched", kept ? "kept" : "changed", faults, silent ? "silent" : "ticks",
            hidden && shown ? "hidden" : "shown", refused, ones, rdmsr(APIC_ID) == machine.apic_ids[0] ? "kept" : "changed",
            timer());
}
void attack_apic(const char *argument) {
    (void)argument;
    frequency();
    local_sources();
    local_bits();
    storms();
    off_and_on();
    low();
    priorities();
    garbage();
    global_off();
    apic_start();
}
