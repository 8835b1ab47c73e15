// Makes the hypervisor itself fault, on purpose: only a hypervisor built with faults to inject obeys (see
// Sources/Metal/Hypervisor/Exits/InjectedFaults.swift). Any other does not know the hypercall, and this is one attempt that it held.
#include "attack.h"
#include "virtio.h"

// By number; what takes an operand of its own is not among them.
static const char *const kinds[] = {"trap", "program", "stack", "neighbour", "locked", "map", "map-guest", "boot-code", "",
    "own-tables", "nested-tables", "step-tables", "context", "constants", "segments", "host-save",
    "", "", "", "", "", "", "", "watch-tables",
    "", "", "", "", "", "unprotected", "", "", "model-tables"};

// Asks for what the partition's lock guards, again and again.
static void ask_for_lock(uint32_t index) {
    (void)index;
    while (true) out8(0x70, 0), in8(0x71);
}

static bool is_intel(void) { return cpuid(0, 0).ebx == 0x756E6547; }
static void call(uint64_t kind, uint64_t operand, uint64_t bits) {
    uint64_t magic = 0x4641554C;
    if (is_intel()) asm volatile(GUARDED(".byte 0x0F, 0x01, 0xC1") : "+a"(magic) : "b"(kind), "c"(operand), "d"(bits) : "memory");
    else asm volatile(GUARDED(".byte 0x0F, 0x01, 0xD9") : "+a"(magic) : "b"(kind), "c"(operand), "d"(bits) : "memory");
}
static void demand(uint64_t kind, uint64_t operand) { call(kind, operand, 0); }

/// By item of the self-check (ProtectionItem), for AMD and for Intel: the hypervisor's call that undoes it, its operand, and
/// the bits. The second time restores it. What the core cannot do without is only read wrongly (kind
/// 28; operand: the MSR, or the item).
static const struct {
    uint64_t kind, operand, bits;
} protections[][2] = {
    {{26, 0, 1 << 16}, {24, 0x6C00, 1 << 16}},       // CR0.WP, which an exit loads on Intel
    {{28, 1, 1 << 12}, {28, 1, 1 << 12}},            // CR3
    {{27, 0, 1 << 6}, {24, 0x6C04, 1 << 6}},         // CR4.MCE, the same
    {{28, 0xC0000080, 1 << 11}, {28, 0xC0000080, 1 << 11}},  // EFER.NXE
    {{25, 0x277, 1 << 24}, {24, 0x2C00, 1 << 24}},   // PAT, the same
    {{28, 0x1B, 1 << 10}, {28, 0x1B, 1 << 10}},      // APIC_BASE
    {{28, 0xC0010114, 1 << 4}, {28, 0x3A, 1 << 2}},  // VM_CR, IA32_FEATURE_CONTROL
    {{28, 0xC0010117, 1 << 12}, {24, 0x4C00, 1}},    // VM_HSAVE_PA; SYSENTER's segment behind an exit
    {{24, 0x00C, 1 << 15}, {24, 0x4002, 1 << 11}},   // RDPMC exits
    {{24, 0x008, 1 << 1}, {24, 0x4004, 1 << 1}},     // #DB exits
    {{24, 0x048, 0x1000}, {24, 0x2002, 0x1000}},     // the map of MSRs; of ports from 8000h on
    {{24, 0x090, 1 << 1}, {28, 11, 1 << 12}},        // nested paging; an entry looks at all bits of the EPT pointer
    {{24, 0x058, 1}, {24, 0x0000, 0x100}},           // address space id
    {{0, 0, 0}, {24, 0x6000, 1 << 30}},              // CR0.CD is not the guest's
    {{28, 14, 1}, {28, 14, 1}},                      // errata: no emulated processor has one
    {{0, 0, 0}, {0, 0, 0}},                          // IOMMUs: the machine has none
    {{28, 16, 1}, {28, 16, 1}},                      // masks of caches: no emulated processor has any
    {{0, 0, 0}, {25, 0xC91, 1}},                     // but one whose registers a test defines
};
static void unprotect(uint64_t item) {
    int vendor = is_intel();
    if (item < sizeof protections / sizeof protections[0])
        call(protections[item][vendor].kind, protections[item][vendor].operand, protections[item][vendor].bits);
}
static void spin_below(uint32_t index) {
    (void)index;
    demand(22, ~0ull);
}
static void exit_always(uint32_t index) {
    (void)index;
    while (true) cpuid(0, 0);
}
// Commands that no guest may send, for the first core of the neighbour (APIC id 2 in the test's manifest).
static const struct {
    const char *name;
    uint64_t kind, command;
} strays[] = {{"stray-interrupt", 16, 0x4077}, {"stray-tick", 16, 0x4040}, {"stray-init", 16, 0x4500}, {"stray-nmis", 17, 0x4400}};

// What the partition's device model does that its guest has taken over, by number from 1 on (Sources/Metal/Model/Program).
static const char *const models[] = {"model-spins", "model-neighbour", "model-program", "model-port", "model-cpuid", "model-garbage"};
static void take_model(uint32_t number) {
    uint32_t found = find_function(CONSOLE_ID);
    if (found) out32(virtio_enable(found) + 0x7C, number);
}

// `fault:KIND`; the manifest of the test puts the neighbour's memory at 512 MiB.
void attack_fault(const char *argument) {
    announce("fault", argument);
    for (uint64_t kind = 0; kind < sizeof kinds / sizeof kinds[0]; kind++)
        if (equal(argument, kinds[kind])) demand(kind, 0x20000000);
    if (equal(argument, "model-tables")) take_model(0);
    for (uint32_t i = 0; i < sizeof models / sizeof models[0]; i++)
        if (equal(argument, models[i])) take_model(i + 1);
    if (equal(argument, "lock-kept") && start_processor(1, ask_for_lock)) demand(8, 14000 * machine.tsc_khz);
    // For half a second; and for ever, upon which the second vCPU alone can say so.
    if (equal(argument, "lock-shortly") && start_processor(1, ask_for_lock)) demand(31, 500 * machine.tsc_khz);
    if (equal(argument, "lose-lock") && start_processor(1, ask_for_lock)) demand(8, ~0ull);
    // A core that never comes back: of the second vCPU, or of the first while the second goes on exiting.
    if (equal(argument, "lose-second")) {
        start_processor(1, spin_below);
        for (;;) pause();
    }
    if (equal(argument, "lose-first") && start_processor(1, exit_always)) spin_below(0);
    if (starts_with(argument, "unprotect-")) unprotect(parse_number(argument + 10));
    // VT-d's global status and command: translation off, queue and interrupt remapping as they are. AMD's control: IommuEn off.
    if (equal(argument, "unconfine-vtd")) call(30, 0xFED9001Cull << 32 | 0xFED90018, ~0x06000000u);
    if (equal(argument, "unconfine-amd")) call(30, 0xFED80018ull << 32 | 0xFED80018, 1);
    if (equal(argument, "away")) demand(22, 15000 * machine.tsc_khz);
    for (size_t i = 0; i < sizeof strays / sizeof strays[0]; i++)
        // Again and again: one that arrives while a tick of the neighbour's own is pending is one with it.
        for (int again = 0; again < 20 && equal(argument, strays[i].name); again++) {
            demand(strays[i].kind, 2ull << 32 | strays[i].command);
            for (uint64_t start = rdtsc(); rdtsc() - start < 1 << 21;) {}
        }
    survived("fault", argument);
}
