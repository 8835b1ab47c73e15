// Registers of each vCPU that hold a known value from start to end.
#include "neighbour.h"

volatile uint64_t registers_bad;
const char *volatile register_bad_name = "none";

static const struct {
    const char *name;
    uint32_t msr;
    uint64_t value;
} filled[] = {
    {"STAR", 0xC0000081, 0x0013000800000000},   {"LSTAR", 0xC0000082, 0xFFFF800012345000},
    {"CSTAR", 0xC0000083, 0xFFFF800054321000},  {"SFMASK", 0xC0000084, 0x47700},
    {"FS.base", 0xC0000100, 0x11112222},        {"GS.base", 0xC0000101, 0x33334444},
    {"KernelGS.base", 0xC0000102, 0x55556666},  {"SYSENTER_ESP", 0x175, 0x77778888},
    {"PAT", 0x277, 0x0007040600070406},
};
static uint64_t kept[PROCESSORS_MAX][8];

static void read_kept(uint64_t *values) {
    values[0] = read_cr0();
    values[1] = read_cr3();
    values[2] = read_cr4();
    values[3] = rdmsr(0xC0000080);
    values[4] = rdmsr(APIC_BASE);
    values[5] = rdmsr(APIC_SVR) | rdmsr(APIC_TPR) << 32;
    values[6] = rdmsr(APIC_ID) | rdmsr(APIC_LDR) << 32;
    const uint64_t settings = 0xFEFFF;  // without bit 12, delivery under way
    values[7] = (rdmsr(APIC_LVT_TIMER) & settings) | (rdmsr(APIC_LVT_LINT0) & settings) << 20 |
                (rdmsr(APIC_LVT_LINT1) & settings) << 40;
}
static void bad(const char *name) {
    if (registers_bad++ == 0) register_bad_name = name;
}
void registers_fill(uint32_t processor) {
    for (size_t i = 0; i < sizeof filled / sizeof filled[0]; i++) wrmsr(filled[i].msr, filled[i].value);
    write_dr0(0x1234500), write_dr1(0x2234500), write_dr2(0x3234500), write_dr3(0x4234500);
    read_kept(kept[processor]);
}
void registers_check(uint32_t processor) {
    for (size_t i = 0; i < sizeof filled / sizeof filled[0]; i++)
        if (rdmsr(filled[i].msr) != filled[i].value) bad(filled[i].name);
    if (read_dr0() != 0x1234500 || read_dr1() != 0x2234500 || read_dr2() != 0x3234500 || read_dr3() != 0x4234500)
        bad("DR0-3");
    static const char *const names[8] = {"CR0", "CR3", "CR4", "EFER", "APIC_BASE", "SVR/TPR", "ID/LDR", "LVT"};
    uint64_t now[8];
    read_kept(now);
    for (int i = 0; i < 8; i++)
        if (now[i] != kept[processor][i]) bad(names[i]);
}
