// (g) As much of everything as the guest can do in a while: exits, halts, cache flushes, console output. It can only be
// its own time.
#include "attack.h"

#define TICK 0x62

static void exits(void) {
    announce("storm-cpuid", "");
    uint64_t same = 0, last = cpuid(0, 0).eax;
    for (uint32_t i = 0; i < 100000; i++) same += cpuid(0, 0).eax == last;
    attempt("storm-cpuid", "%lu-of-100000-same", same);
    announce("storm-ports", "");
    uint32_t value, ones = 0;
    for (uint32_t i = 0; i < 50000; i++) {
        try_in((uint16_t)(0x1000 + i % 64), 4, &value);
        if (value == ~0u) ones++;
    }
    attempt("storm-ports", "%u-of-50000-ones", ones);
    announce("storm-msrs", "");
    uint32_t refused = 0;
    uint64_t wide;
    for (uint32_t i = 0; i < 20000; i++)
        if (try_rdmsr(0xC0010114, &wide) == 13) refused++;
    attempt("storm-msrs", "%u-of-20000-#GP", refused);
}
static void halts(void) {
    announce("storm-halts", "");
    uint64_t before = interrupts[TICK];
    wrmsr(APIC_DIVIDE, 11);
    wrmsr(APIC_LVT_TIMER, 1 << 17 | TICK);
    wrmsr(APIC_INITIAL, 50000);
    for (uint32_t i = 0; i < 2000; i++) wait_for_interrupt();
    wrmsr(APIC_INITIAL, 0);
    wrmsr(APIC_LVT_TIMER, 1 << 16);
    uint64_t woken = interrupts[TICK] - before;
    attempt("storm-halts", "2000-halts,%lu-interrupts", woken);
}
static void caches(void) {
    announce("storm-wbinvd", "");
    static volatile uint64_t canary;
    uint32_t lost = 0;
    for (uint32_t i = 0; i < 1000; i++) {
        canary = i;
        asm volatile(GUARDED("wbinvd")::: "memory");
        // INVD drops dirty lines on silicon: a hypervisor that lets it through loses its own.
        asm volatile(GUARDED("invd")::: "memory");
        if (canary != i) lost++;
    }
    attempt("storm-wbinvd", "%u-lost", lost);
}
static void console(void) {
    announce("storm-console", "");
    for (uint32_t i = 0; i < 16384; i++) console_put("0123456789abcdef"[i % 16]);
    console_put('\n');
    for (uint32_t i = 1; i < 32; i++) console_put(i == 0x1B ? '.' : (char)i);
    for (uint32_t i = 128; i < 256; i++) console_put((char)i);
    console_put('\n');
    attempt("storm-console", "printed");
}
void attack_storms(const char *argument) {
    (void)argument;
    exits();
    halts();
    caches();
    console();
}
