// (g) Control, debug and extended-state registers with garbage. Each write either faults or takes effect on this vCPU
// alone; values that would end the guest (paging off, and so on) are the attack `mode`.
#include "attack.h"

#define EFER 0xC0000080u

static void efer(void) {
    uint64_t kept = rdmsr(EFER), now = 0;
    bool refused = try_wrmsr(EFER, kept | 1 << 12) == 13;
    try_rdmsr(EFER, &now);
    attempt("efer-svme", "%s,svme=%u,efer=%lx", refused ? "#GP" : "taken", (uint32_t)(now >> 12 & 1), now);
    try_wrmsr(EFER, kept);
    uint32_t taken = 0, faults = 0, hidden = 0;
    for (uint32_t bit = 0; bit < 64; bit++) {
        if (bit == 8 || bit == 10) continue;  // LME, LMA: see `mode`
        if (try_wrmsr(EFER, kept ^ 1ull << bit) >= 0) {
            faults++;
            continue;
        }
        try_rdmsr(EFER, &now);
        // SCE, NXE, LMSLE, FFXSR, TCE, automatic IBRS: a guest's own.
        if (now != kept && bit != 0 && bit != 11 && bit != 13 && bit != 14 && bit != 15 && bit != 21) {
            taken++;
            finding("efer-bits", "bit=%u efer=%lx", bit, now);
        } else if (now == kept) hidden++;
        try_wrmsr(EFER, kept);
    }
    attempt("efer-bits", "%u-#GP,%u-ignored,%u-taken", faults, hidden, taken);
    uint64_t seed = 3;
    taken = 0;
    for (uint32_t i = 0; i < 2000; i++) {
        uint64_t value = next_random(&seed) | 0x500;  // long mode stays on; the rest is garbage
        try_wrmsr(EFER, i % 2 ? value : value & 0xFFFF);
        try_rdmsr(EFER, &now);
        if (now & 1 << 12) taken++;
    }
    try_wrmsr(EFER, kept);
    attempt("efer-random", "%u-svme", taken);
}
static void control_registers(void) {
    uint64_t cr0 = read_cr0(), cr4 = read_cr4();
    uint32_t faults = 0, taken = 0;
    for (uint32_t bit = 0; bit < 64; bit++) {
        if (bit == 0 || bit == 31) continue;  // PE, PG: see `mode`
        if (try_write_cr0(cr0 ^ 1ull << bit) >= 0) faults++;
        else if (bit >= 32 && read_cr0() >> 32) taken++, finding("cr0-bits", "bit=%u cr0=%lx", bit, read_cr0());
        try_write_cr0(cr0);
    }
    attempt("cr0-bits", "%u-#GP,%u-taken,%s", faults, taken, read_cr0() == cr0 ? "restored" : "lost");
    // Cache disable and not-write-through, left on for a while: this core's caches alone.
    try_write_cr0(cr0 | 1 << 30);
    for (volatile uint64_t *at = (uint64_t *)image_start; at < (uint64_t *)image_start + 1000; at++) (void)*at;
    try_write_cr0(cr0);
    // The bits that CPUID tells of; the others are the attack `mode`, since an emulator may answer them with an exit
    // that no processor makes.
    uint64_t known = 0x21F | 1 << 7 | 1 << 10;
    struct cpuid basic = cpuid(1, 0), extended = cpuid(7, 0);
    known |= (basic.edx >> 7 & 1) << 6 | (extended.ecx >> 2 & 1) << 11 | (extended.ebx & 1) << 16;
    known |= (basic.ecx >> 17 & 1) << 17 | (basic.ecx >> 26 & 1) << 18 | (extended.ebx >> 7 & 1) << 20;
    known |= (extended.ebx >> 20 & 1) << 21 | (extended.ecx >> 3 & 1) << 22;
    faults = taken = 0;
    for (uint32_t bit = 0; bit < 64; bit++) {
        if (!(known >> bit & 1)) continue;
        if (try_write_cr4(cr4 ^ 1ull << bit) >= 0) faults++;
        else if (read_cr4() != (cr4 ^ 1ull << bit)) taken++, finding("cr4-bits", "bit=%u cr4=%lx", bit, read_cr4());
        try_write_cr4(cr4);
    }
    attempt("cr4-bits", "%u-#GP,%u-changed,%s", faults, taken, read_cr4() == cr4 ? "restored" : "lost");
    faults = taken = 0;
    for (uint64_t value = 0; value < 80; value++) {
        uint64_t tried = value < 16 ? value : value < 79 ? 1ull << (value - 15) : ~0ull;
        if (try_write_cr8(tried) >= 0) faults++;
        else if (read_cr8() > 15) taken++;
    }
    try_write_cr8(0);
    attempt("cr8-values", "%u-#GP,%u-taken", faults, taken);
}
static void extended_state(void) {
    if (!(cpuid(1, 0).ecx >> 26 & 1)) {
        attempt("xcr0-bits", "0-taken,%s", vector_name(try_xsetbv(0, 1)));
        return;
    }
    write_cr4(read_cr4() | 1 << 18);
    uint64_t kept = 1, now, shown = cpuid(0xD, 0).eax | (uint64_t)cpuid(0xD, 0).edx << 32;
    try_xgetbv(0, &kept);
    uint32_t faults = 0, taken = 0;
    uint64_t seed = 9;
    for (uint32_t i = 0; i < 3000; i++) {
        uint64_t value = i < 64 ? 1ull << i : i < 128 ? 1 | 1ull << (i - 64) : next_random(&seed);
        if (try_xsetbv(0, value) >= 0) {
            faults++;
        } else if (value & ~shown || !(value & 1)) {
            taken++;
            finding("xcr0-bits", "wrote=%lx shown=%lx", value, shown);
        }
    }
    try_xsetbv(0, kept);
    attempt("xcr0-bits", "%u-#GP,%u-taken", faults, taken);
    faults = taken = 0;
    for (uint32_t index = 1; index < 64; index++) try_xsetbv(index, 1) >= 0 ? faults++ : taken++;
    try_xsetbv(0xFFFFFFFF, 1) >= 0 ? faults++ : taken++;
    attempt("xcr-index", "%u-#GP,%u-taken", faults, taken);
    try_xgetbv(0, &now);
    write_cr4(read_cr4() & ~(1ull << 18));
}
// Breakpoints on everything, then exits: none may be taken outside the guest.
static void debug_registers(void) {
    static const uint64_t addresses[] = {0, ~0ull, 0x7FFFFFFFFFFF, 0xFFFF800000000000, 0x100000, 0xFEE00000, 0x5A5A5A5A5A5A};
    uint64_t value, exits = 0;
    uint32_t faults = 0, mismatched = 0;
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        if (try_write_dr0(addresses[i]) >= 0) faults++;
        else if (try_read_dr0(&value) >= 0 || value != addresses[i]) mismatched++;
        try_write_dr1(~addresses[i]), try_write_dr2(addresses[i] << 3), try_write_dr3(addresses[i] + 1);
        // All four: execute, write, I/O (needs CR4.DE), read and write; exact.
        try_write_dr7(0x33100700 | (0xFF & ~(i == 4 ? 0xFF : 0)));
        for (uint32_t n = 0; n < 50; n++) exits += cpuid(0x40000000, 0).eax;
        try_write_dr7(0x400);
    }
    attempt("dr-addresses", "%u-#GP,%u-mismatched,exits=%lx", faults, mismatched, exits);
    faults = 0;
    for (uint32_t bit = 32; bit < 64; bit++) {
        if (try_write_dr6(1ull << bit) == 13) faults++;
        if (try_write_dr7(0x400 | 1ull << bit) == 13) faults++;
    }
    try_write_dr6(0xFFFF0FF0), try_write_dr7(0x400);
    attempt("dr67-high", "%u-of-64-#GP", faults);
    uint64_t cr4 = read_cr4();
    write_cr4(cr4 | 8);
    uint32_t undefined = (try_write_dr4(1) == 6) + (try_read_dr5(&value) == 6);
    write_cr4(cr4);
    attempt("dr45-with-de", "%u-of-2-#UD", undefined);
    try_write_dr7(0x2400);  // general detect: the next access to a debug register is #DB
    int vector = try_write_dr0(0);
    try_write_dr7(0x400);
    write_dr0(0), write_dr1(0), write_dr2(0), write_dr3(0);
    attempt("dr7-general-detect", "%s", vector_name(vector));
}
void attack_registers(const char *argument) {
    (void)argument;
    efer();
    control_registers();
    extended_state();
    debug_registers();
}
