// Makes the hypervisor itself fault, on purpose: only a hypervisor built with faults to inject obeys (see
// Sources/Metal/Hypervisor/Exits/InjectedFaults.swift). Any other does not know the hypercall, and this is one attempt that it held.
#include "attack.h"

static const char *const kinds[] = {"trap", "program", "stack", "neighbour", "locked", "map", "map-guest", "boot-code", "pause",
    "own-tables", "nested-tables", "step-tables", "context", "constants", "segments", "host-save"};

// Asks for what the partition's lock guards, again and again.
static void ask_for_lock(uint32_t index) {
    (void)index;
    while (true) out8(0x70, 0), in8(0x71);
}

static void demand(uint64_t kind, uint64_t operand) {
    uint64_t call = 0x4641554C;
    asm volatile(GUARDED(".byte 0x0F, 0x01, 0xD9") : "+a"(call) : "b"(kind), "c"(operand) : "memory");
}
// Commands that no guest may send, for the first core of the neighbour (APIC id 2 in the test's manifest).
static const struct {
    const char *name;
    uint64_t kind, command;
} strays[] = {{"stray-interrupt", 16, 0x4077}, {"stray-tick", 16, 0x4040}, {"stray-init", 16, 0x4500}, {"stray-nmis", 17, 0x4400}};

// `fault:KIND`; the manifest of the test puts the neighbour's memory at 512 MiB.
void attack_fault(const char *argument) {
    announce("fault", argument);
    for (uint64_t kind = 0; kind < sizeof kinds / sizeof kinds[0]; kind++)
        if (equal(argument, kinds[kind])) demand(kind, 0x20000000);
    if (equal(argument, "lock-kept") && start_processor(1, ask_for_lock)) demand(8, 14000 * machine.tsc_khz);
    for (size_t i = 0; i < sizeof strays / sizeof strays[0]; i++)
        // Again and again: one that arrives while a tick of the neighbour's own is pending is one with it.
        for (int again = 0; again < 20 && equal(argument, strays[i].name); again++) {
            demand(strays[i].kind, 2ull << 32 | strays[i].command);
            for (uint64_t start = rdtsc(); rdtsc() - start < 1 << 21;) {}
        }
    survived("fault", argument);
}
