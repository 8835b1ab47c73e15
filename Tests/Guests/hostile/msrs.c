// (d) Every MSR: reading and writing anything that is not on the list below must fault as a missing register does.
#include "attack.h"

// What the platform grants, from its specification and not from its code.
enum writing {
    REFUSED,
    IGNORED,  // accepted, and without any effect
    TAKEN,
};
struct grant {
    uint32_t first, last;
    bool read;
    enum writing write;
    uint32_t vendor;  // CPUID 0 EBX; 0 means both
};
#define AMD 0x68747541
#define INTEL 0x756E6547
static const struct grant grants[] = {
    {0x10, 0x10, true, REFUSED, 0},  // TSC
    {0x1B, 0x1B, true, TAKEN, 0},                 // APIC base: the mode alone changes
    {0x48, 0x48, true, TAKEN, 0},                 // speculation control
    {0x49, 0x49, false, TAKEN, 0},                // prediction command
    {0x8B, 0x8B, true, IGNORED, 0},  // microcode revision
    {0x174, 0x176, true, TAKEN, 0},  // SYSENTER
    {0x1A0, 0x1A0, true, IGNORED, INTEL},  // miscellaneous enables
    {0x277, 0x277, true, TAKEN, 0},  // PAT
    {0x800, 0x8FF, true, TAKEN, 0},  // x2APIC; written by the attacks `apic` and `ipis`
    {0x4B564D00, 0x4B564D01, true, TAKEN, 0},  // KVM's clock
    {0xC0000080, 0xC0000084, true, TAKEN, 0},  // EFER (written by `registers`), STAR, LSTAR, CSTAR, SFMASK
    {0xC0000100, 0xC0000103, true, TAKEN, 0},  // FS, GS, kernel GS base, TSC_AUX
    {0xC0010000, 0xC0010007, true, IGNORED, AMD},  // performance counters of old: nothing but 0
    {0xC0010015, 0xC0010015, true, IGNORED, AMD},  // hardware configuration
    {0xC001001F, 0xC001001F, true, IGNORED, AMD},  // northbridge configuration
    {0xC0011029, 0xC0011029, true, IGNORED, AMD},  // decode configuration
};
static const struct grant *grant_of(uint32_t msr) {
    static uint32_t vendor;
    if (!vendor) vendor = cpuid(0, 0).ebx;
    for (size_t i = 0; i < sizeof grants / sizeof grants[0]; i++)
        if (msr >= grants[i].first && msr <= grants[i].last && (!grants[i].vendor || grants[i].vendor == vendor))
            return &grants[i];
    return nullptr;
}
static const struct {
    const char *name;
    uint32_t first, last;
} ranges[] = {
    {"0", 0, 0x1FFF}, {"40000000", 0x40000000, 0x400001FF}, {"4b564d00", 0x4B564D00, 0x4B564DFF},
    {"c0000000", 0xC0000000, 0xC0001FFF}, {"c0010000", 0xC0010000, 0xC0011FFF}, {"edges-low", 0x2000, 0x203F},
    {"edges-high", 0xC0012000, 0xC001203F}, {"80000000", 0x7FFFFFE0, 0x8000001F}, {"top", 0xFFFFFFC0, 0xFFFFFFFF},
};

static void read_range(const char *suffix, uint32_t first, uint32_t last) {
    char name[32];
    uint32_t refused = 0, granted = 0, extra = 0;
    uint64_t value;
    format_into(name, sizeof name, "msr-read-%s", suffix);
    for (uint64_t msr = first; msr <= last; msr++) {
        const struct grant *grant = grant_of((uint32_t)msr);
        if (try_rdmsr((uint32_t)msr, &value) == 13) refused++;
        else if (grant && grant->read) granted++;
        else {
            extra++;
            finding(name, "msr=%08lx value=%016lx %s", msr, value, vector_name((int)fault.vector));
        }
    }
    attempt(name, "%u-#GP,%u-granted,%u-extra", refused, granted, extra);
}
// Registers whose writing has an attack of its own, or would end this guest.
static bool left_to_others(uint32_t msr) {
    return (msr >= 0x800 && msr <= 0x8FF) || msr == APIC_BASE || msr == 0xC0000080;
}
static void write_range(const char *suffix, uint32_t first, uint32_t last) {
    static const uint64_t patterns[] = {0, ~0ull, 0x0123456789ABCDEF, 1};
    char name[32];
    uint32_t refused = 0, granted = 0, extra = 0;
    format_into(name, sizeof name, "msr-write-%s", suffix);
    for (uint64_t msr = first; msr <= last; msr++) {
        if (left_to_others((uint32_t)msr)) continue;
        const struct grant *grant = grant_of((uint32_t)msr);
        uint64_t kept = 0, now = 0;
        bool readable = try_rdmsr((uint32_t)msr, &kept) < 0;
        for (int i = 0; i < (readable ? 5 : 4); i++) {
            uint64_t value = i < 4 ? patterns[i] : kept;
            bool fault = try_wrmsr((uint32_t)msr, value) >= 0;
            bool stayed = !fault && readable && try_rdmsr((uint32_t)msr, &now) < 0 && now == kept;
            enum writing allowed = grant ? grant->write : REFUSED;
            if (fault) refused++;
            else if (allowed == TAKEN || (allowed == IGNORED && stayed)) granted++;
            else {
                extra++;
                finding(name, "msr=%08lx wrote=%016lx %s", msr, value, stayed ? "ignored" : "taken");
            }
        }
        if (readable) try_wrmsr((uint32_t)msr, kept);
    }
    attempt(name, "%u-#GP,%u-granted,%u-extra", refused, granted, extra);
}
// KVM's clock has the hypervisor write to an address that the guest names: only ever into the guest's own memory, and
// no byte more than the structures have.
static void paravirtual_clock(void) {
    static _Alignas(64) uint8_t page[8192];
    const uint64_t end = low_memory_end(), outside[] = {
        end, end - 4, end - 8, end - 28, end + 0x1000, 0xFEE00000, 0xFFFFFFFC, 1ull << 32, (1ull << 32) - 8, 1ull << 40,
        1ull << 52, 1ull << 63, ~0ull & ~3ull, ~0ull - 7, ~0ull - 27, 0x8000000000000000ull | (uint64_t)page,
        (uint64_t)page + 1, (uint64_t)page + 2};
    uint32_t refused = 0, tried = 0, strays = 0;
    announce("msr-kvm-clock", "");
    for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++) {
        for (uint32_t msr = 0x4B564D00; msr <= 0x4B564D01; msr++) {
            uint64_t value = outside[i] | (msr & 1);  // the system time's bit 0 turns it on
            // The wall clock has 12 bytes and fits where the system time's 32 do not; bit 0 is no part of the address.
            if ((msr & 1) == 0 && outside[i] == end - 28) continue;
            if ((msr & 1) && outside[i] == (uint64_t)page + 1) continue;
            tried++;
            if (try_wrmsr(msr, value) == 13) refused++;
            else finding("msr-kvm-clock", "msr=%x wrote=%lx", msr, value);
        }
    }
    for (size_t at = 0; at < 64; at += 4) {
        memset(page, 0xA5, sizeof page);
        bool taken = try_wrmsr(0x4B564D01, (uint64_t)(page + 4096 - 32 + at) | 1) < 0;
        for (size_t i = 0; i < sizeof page; i++)
            if (page[i] != 0xA5 && (!taken || i < 4096 - 32 + at || i >= 4096 + at)) strays++;
        try_wrmsr(0x4B564D01, 0);
    }
    attempt("msr-kvm-clock", "%u-of-%u-#GP,%u-stray-bytes", refused, tried,
            strays);
}
// The APIC must stay where it is and as it is: on, in x2APIC mode.
static void apic_base(void) {
    uint64_t kept = rdmsr(APIC_BASE), now = 0;
    const uint64_t tries[] = {0, kept & ~0xC00ull, kept & ~0x800ull, kept & ~0x400ull, kept ^ 0x1000,
                              kept | 1ull << 40, ~0ull, kept ^ 0x100};
    uint32_t refused = 0, taken = 0;
    announce("msr-apic-base", "");
    for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++) {
        if (try_wrmsr(APIC_BASE, tries[i]) >= 0) refused++;
        if (try_rdmsr(APIC_BASE, &now) >= 0 || now != kept) {
            taken++;
            finding("msr-apic-base", "wrote=%016lx now=%016lx", tries[i], now);
            // Back to x2APIC by the one legal way: off, then xAPIC, then x2APIC.
            try_wrmsr(APIC_BASE, kept & ~0xC00ull);
            try_wrmsr(APIC_BASE, kept & ~0x400ull);
            try_wrmsr(APIC_BASE, kept);
        }
    }
    attempt("msr-apic-base", "%u-#GP,%u-taken", refused, taken);
    if (taken) apic_start();
}
void attack_msrs(const char *argument) {
    (void)argument;
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        read_range(ranges[i].name, ranges[i].first, ranges[i].last);
        write_range(ranges[i].name, ranges[i].first, ranges[i].last);
    }
    paravirtual_clock();
    apic_base();
}
