// (g) Registers bit by bit: what a processor reserves in each that a guest writes by itself, what each that is the machine's
// would do, every local APIC register, extended states that go only together. Behind each write follows an exit, so that
// what was taken goes through the hypervisor's hands before it is read again.
#include "attack.h"

static bool restored(uint32_t msr, bool readable, uint64_t kept) {
    uint64_t now = kept;
    if (readable) try_wrmsr(msr, kept), try_rdmsr(msr, &now);
    return now == kept;
}
// Each bit turned over; `own` are those that a guest may change. Odd: another bit taken, or anything else changed by it.
static void bits(const char *prefix, const char *name, uint32_t msr, uint64_t own) {
    char attempted[40];
    uint32_t refused = 0, ignored = 0, taken = 0, odd = 0;
    uint64_t kept = 0;
    format_into(attempted, sizeof attempted, "%s-%s", prefix, name);
    announce(attempted, "");
    bool readable = try_rdmsr(msr, &kept) < 0;
    for (uint32_t bit = 0; bit < 64; bit++) {
        uint64_t value = kept ^ 1ull << bit, now = kept;
        bool fault = try_wrmsr(msr, value) >= 0;
        cpuid(0, 0);
        if (readable) try_rdmsr(msr, &now);
        if (fault) refused++;
        else if (readable ? now == kept : !(own >> bit & 1)) ignored++;
        else taken++;
        // QEMU makes a base canonical where silicon raises #GP.
        uint64_t canonical = (uint64_t)((int64_t)(value << 16) >> 16);
        if (now != kept && (fault || (now != value && now != canonical) || !(own >> bit & 1))) {
            odd++;
            finding(attempted, "bit=%u wrote=%lx now=%lx", bit, value, now);
        }
        if (now != kept) try_wrmsr(msr, kept);
    }
    attempt(attempted, "%u-odd,%u-#GP,%u-ignored,%u-taken,%s", odd, refused, ignored, taken,
            restored(msr, readable, kept) ? "restored" : "lost");
}
struct row {
    const char *name;
    uint32_t msr;
    uint64_t own;
};
// What a guest has for itself: a value that an entry would refuse, or that only silicon's next step finds, is written.
static const struct row own[] = {
    {"sysenter-segment", 0x174, 0xFFFFFFFF}, {"sysenter-stack", 0x175, ~0ull}, {"sysenter-entry", 0x176, ~0ull},
    {"star", 0xC0000081, ~0ull}, {"syscall-entry", 0xC0000082, ~0ull}, {"syscall-entry-32", 0xC0000083, ~0ull},
    {"syscall-flags", 0xC0000084, ~0ull}, {"fs-base", 0xC0000100, ~0ull}, {"gs-base", 0xC0000101, ~0ull},
    {"kernel-gs-base", 0xC0000102, ~0ull}, {"processor-number", 0xC0000103, ~0ull},
    {"speculation-control", 0x48, 0x87}, {"microcode-revision", 0x8B, 0}, {"enables", 0x1A0, 0},
    {"hardware-configuration", 0xC0010015, 0}, {"northbridge", 0xC001001F, 0}, {"decoder", 0xC0011029, 0},
    {"old-counter", 0xC0010004, 0}, {"old-counter-control", 0xC0010000, 0},
};
// What is the machine's, and what one bit of it would do to everybody.
static const struct row machines[] = {
    {"smm-base", 0xC0010111, 0},           // where SMIs enter: the next one runs what is there
    {"smm-range", 0xC0010112, 0},          // SMM's memory is everybody's
    {"smm-mask", 0xC0010113, 0},           // the same
    {"smm-base-intel", 0x9E, 0},
    {"smm-ranges-intel", 0x1F3, 0},
    {"virtualization", 0xC0010114, 0},     // INIT redirected, SVM locked
    {"host-save", 0xC0010117, 0},          // where VMRUN writes the host's state
    {"system-configuration", 0xC0010010, 0},  // memory encryption, MTRR extensions
    {"io-range", 0xC0010016, 0},           // memory that becomes a bus's
    {"top-of-memory", 0xC001001A, 0},      // memory that ends below a neighbour's
    {"top-of-memory-2", 0xC001001D, 0},
    {"guest-communication", 0xC0010130, 0},
    {"clock-ratio", 0xC0000104, 0},        // every guest's clock on the core
    {"memory-types", 0x2FF, 0},            // caches off for the whole machine
    {"memory-type-range", 0x200, 0},
    {"memory-type-fixed", 0x250, 0},
    {"debug-control", 0x1D9, 0},           // branches recorded, frozen in SMM
    {"debug-store", 0x600, 0},             // an address that the processor writes to, past nested tables
    {"trace", 0x570, 0},                   // the same
    {"counter-control", 0x38F, 0},         // NMIs by counters
    {"counter-select", 0x186, 0},
    {"power-limit", 0x610, 0},             // the package's, so a neighbour's
    {"power-state", 0xC0010062, 0},
    {"performance-request", 0x774, 0},
    {"thermal-interrupt", 0x19B, 0},       // an interrupt that SMM takes
    {"clock-modulation", 0x19A, 0},
    {"machine-check-status", 0x17A, 0},
    {"transactions", 0x122, 0},            // what is set against errata
    {"microcode-options", 0x123, 0},
    {"feature-control", 0x3A, 0},
    {"supervisor-states", 0xDA0, 0},       // states that nobody saves
    {"shadow-stacks", 0x6A2, 0},
};
// By the manual the reserved bits of each fault; a register that only tells is as it was. Emulators drop the upper half.
static const struct row local[] = {
    {"version", 0x803, 0}, {"arbitration", 0x809, 0}, {"processor-priority", 0x80A, 0}, {"remote-read", 0x80C, 0},
    {"logical-id", 0x80D, 0}, {"format", 0x80E, 0}, {"spurious", 0x80F, 0x13FF}, {"in-service", 0x810, 0},
    {"trigger-mode", 0x818, 0}, {"requested", 0x820, 0}, {"command-high", 0x831, 0}, {"current-count", 0x839, 0},
    {"divider", 0x83E, 0xB}, {"extended-features", 0x840, 0}, {"extended-vector", 0x850, 0}, {"last", 0x8FF, 0},
};
static const struct {
    const char *name;
    uint32_t index;
    uint64_t value;
} states[] = {
    {"nothing", 0, 0}, {"without-x87", 0, 2}, {"vectors-without-sse", 0, 5}, {"half-bounds", 0, 0xB},
    {"masks-alone", 0, 0x27}, {"upper-vectors-alone", 0, 0xC7}, {"tile-settings-alone", 0, 0x20003},
    {"tile-data-alone", 0, 0x40003}, {"trace", 0, 0x103}, {"shadow-stacks", 0, 0x1803}, {"interrupts", 0, 0x4003},
    {"lightweight-profiling", 0, 1ull << 62 | 3}, {"top", 0, 1ull << 63 | 3}, {"everything", 0, ~0ull},
    {"register-1", 1, 3}, {"register-last", 0xFFFFFFFF, 3}, {"register-as-msr", 0xC0000080, 3},
};
// One state that a processor does not take, each for another rule (SDM volume 1, section 13.3).
static void extended(void) {
    uint64_t kept = 1, now = 0, cr4 = read_cr4();
    bool has = cpuid(1, 0).ecx >> 26 & 1;
    if (has) write_cr4(cr4 | 1 << 18), try_xgetbv(0, &kept);
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        char attempted[40];
        format_into(attempted, sizeof attempted, "xsetbv-%s", states[i].name);
        announce(attempted, "");
        int vector = try_xsetbv(states[i].index, states[i].value);
        cpuid(0, 0);
        now = kept;
        if (has) try_xgetbv(0, &now);
        attempt(attempted, "%s,%s", vector_name(vector), now == kept ? "kept" : "changed");
        if (now != kept) try_xsetbv(0, kept);
    }
    write_cr4(cr4 & ~(1ull << 18));
    announce("xsetbv-not-enabled", "");
    attempt("xsetbv-not-enabled", "%s", vector_name(try_xsetbv(0, 3)));
    write_cr4(cr4);
}
void attack_reserved(const char *argument) {
    (void)argument;
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) bits("bits", own[i].name, own[i].msr, own[i].own);
    for (size_t i = 0; i < sizeof machines / sizeof machines[0]; i++)
        bits("machine", machines[i].name, machines[i].msr, machines[i].own);
    wrmsr(APIC_INITIAL, 0);
    for (size_t i = 0; i < sizeof local / sizeof local[0]; i++) bits("local", local[i].name, local[i].msr, local[i].own);
    apic_start();
    extended();
}
