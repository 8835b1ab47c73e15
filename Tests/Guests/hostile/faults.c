// Makes the hypervisor itself fault, on purpose: only a hypervisor built with faults to inject obeys (see
// Sources/Metal/Hypervisor/Exits/InjectedFaults.swift). Any other does not know the hypercall, and this is one attempt that it held.
#include "attack.h"

static const char *const kinds[] = {"trap", "program", "stack", "neighbour", "locked", "map", "map-guest", "boot-code"};

static void demand(uint64_t kind, uint64_t operand) {
    uint64_t call = 0x4641554C;
    asm volatile(GUARDED(".byte 0x0F, 0x01, 0xD9") : "+a"(call) : "b"(kind), "c"(operand) : "memory");
}
/// Items of the self-check (ProtectionItem): the hypervisor's call that undoes each, its operand, and the bits. The second
/// time restores it.
static const struct {
    uint64_t kind, operand, bits;
} protections[] = {
    {26, 0, 1 << 16},          // CR0.WP
    {28, 0, 1 << 1},           // CR3: read wrongly
    {27, 0, 1 << 6},           // CR4.MCE
    {28, 0, 1 << 3},           // EFER: read wrongly
    {25, 0x277, 1 << 24},      // PAT
    {28, 0, 1 << 5},           // APIC_BASE: read wrongly
    {28, 0, 1 << 6},           // VM_CR: read wrongly
    {28, 0, 1 << 7},           // VM_HSAVE_PA: read wrongly
    {24, 0x00C, 1 << 15},      // the VMCB: RDPMC,
    {24, 0x008, 1 << 1},       // #DB,
    {24, 0x048, 0x1000},       // the MSR permission map,
    {24, 0x090, 1 << 1},       // nested paging,
    {24, 0x058, 1},            // address space id
    {0, 0, 0},                 // (Intel's own)
    {28, 0, 1 << 14},          // errata: read wrongly, no emulated processor has one
};
static void unprotect(uint64_t item) {
    uint64_t call = 0x4641554C;
    asm volatile(GUARDED(".byte 0x0F, 0x01, 0xD9") : "+a"(call)
                 : "b"(protections[item].kind), "c"(protections[item].operand), "d"(protections[item].bits) : "memory");
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
    if (starts_with(argument, "unprotect-")) unprotect(parse_number(argument + 10));
    for (size_t i = 0; i < sizeof strays / sizeof strays[0]; i++)
        // Again and again: one that arrives while a tick of the neighbour's own is pending is one with it.
        for (int again = 0; again < 20 && equal(argument, strays[i].name); again++) {
            demand(strays[i].kind, 2ull << 32 | strays[i].command);
            for (uint64_t start = rdtsc(); rdtsc() - start < 1 << 21;) {}
        }
    survived("fault", argument);
}
