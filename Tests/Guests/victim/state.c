// Registers that hold values: all are found as in a new machine, and all are filled.
#include "victim.h"

extern const uint64_t boot_registers[14];
static const struct {
    const char *name;
    uint32_t msr;
} msrs[] = {
    {"STAR", 0xC0000081},         {"LSTAR", 0xC0000082},        {"CSTAR", 0xC0000083},   {"SFMASK", 0xC0000084},
    {"FS.base", 0xC0000100},      {"GS.base", 0xC0000101},      {"KernelGS", 0xC0000102}, {"TSC_AUX", 0xC0000103},
    {"SYSENTER_ESP", 0x175},      {"SYSENTER_EIP", 0x176},      {"SYSENTER_CS", 0x174},
    {"APIC_INITIAL", APIC_INITIAL}, {"APIC_DIVIDE", APIC_DIVIDE},  {"APIC_ESR", APIC_ESR},
};
/// Of FXSAVE: x87 from byte 32 on, SSE from byte 160 on (AMD64 APM volume 1, figure 11-8).
static _Alignas(64) uint8_t area[512];

static uint64_t dirty(const char *name, uint64_t value) {
    if (value) print("@dirty %s=%lx\n", name, value);
    return value != 0;
}
static void enable_vectors(void) { write_cr4(read_cr4() | 1 << 9 | 1 << 10); }

uint64_t look_around(void) {
    uint64_t count = 0;
    // The sixth is the stack pointer, which the loader sets.
    for (size_t i = 0; i < 14; i++)
        if (i != 5) count += dirty("general register", boot_registers[i]);
    enable_vectors();
    asm volatile("fxsave64 %0" : "=m"(area));
    for (size_t i = 32; i < 416; i += 8) count += dirty("vector register", *(uint64_t *)(area + i));
    for (size_t i = 0; i < sizeof msrs / sizeof msrs[0]; i++) count += dirty(msrs[i].name, rdmsr(msrs[i].msr));
    count += dirty("DR0", read_dr0()) + dirty("DR1", read_dr1()) + dirty("DR2", read_dr2()) + dirty("DR3", read_dr3());
    count += dirty("CR2", read_cr2());
    struct range r = free_memory();
    uint64_t words = 0;
    for (uint64_t at = r.start; at < r.start + r.size; at += 8) words += *(volatile uint64_t *)at != 0;
    return count + dirty("memory words", words) + dirty("memory", r.size == 0);
}

void plant_registers(uint32_t processor) {
    enable_vectors();
    asm volatile("fxsave64 %0" : "=m"(area));
    for (size_t i = 160; i < 416; i += 8) *(uint64_t *)(area + i) = secret[i / 8 % 4];
    for (size_t i = 32; i < 160; i += 16) *(uint64_t *)(area + i) = secret[i / 16 % 4];
    asm volatile("fxrstor64 %0" ::"m"(area));
    write_dr0(secret[0]), write_dr1(secret[1]), write_dr2(secret[2]), write_dr3(secret[3]);
    // Addresses that are not canonical would fault; only the first vCPU can take that.
    wrmsr(0xC0000081, secret[0]);
    if (processor != 0) return write_cr2(secret[1]);
    wrmsr(APIC_DIVIDE, 11);
    for (size_t i = 1; i + 3 < sizeof msrs / sizeof msrs[0]; i++)
        if (msrs[i].msr != 0xC0000100 && msrs[i].msr != 0xC0000101) try_wrmsr(msrs[i].msr, secret[i % 4]);
    uint64_t address = secret[2] << 8 >> 8 & 0x7FFFFFFFFFFF;
    try_wrmsr(0xC0000102, try_wrmsr(0xC0000102, secret[2]) < 0 ? secret[2] : address);
    write_cr2(secret[1]);
}
