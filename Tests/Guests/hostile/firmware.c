// (g) What reaches firmware, microcode and error reporting on a machine of one's own: system management ports, microcode
// updates, machine-check banks and their injection, branch tracing; and the second serial port, where managers speak.
#include "attack.h"

static void management_ports(void) {
    uint32_t ones = 0, others = 0;
    announce("smm-ports", "");
    for (uint32_t value = 0; value < 256; value++) {
        out8(0xB3, (uint8_t)~value);
        out8(0xB2, (uint8_t)value);
        out16(0xB2, (uint16_t)(value * 257));
        if (in8(0xB2) == 0xFF && in8(0xB3) == 0xFF) ones++;
        else others++;
    }
    attempt("smm-ports", "%u-ones,%u-other", ones, others);
}
// A header that says it is an update, at addresses inside and outside.
static void microcode(void) {
    static _Alignas(4096) uint32_t update[1024] = {1, 1, 0x20261123, 0, 0, 1, 0, 4000, 4096};
    const uint64_t addresses[] = {(uint64_t)update + 48, (uint64_t)update, low_memory_end(), 0xFEE00000, ~0ull, 0};
    uint64_t before = 0, after = 0;
    uint32_t refused = 0, tried = 0;
    announce("microcode", "");
    try_rdmsr(0x8B, &before);
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++)
        for (int amd = 0; amd < 2; amd++, tried++)
            if (try_wrmsr(amd ? 0xC0010020 : 0x79, addresses[i]) == 13) refused++;
    try_rdmsr(0x8B, &after);
    attempt("microcode", "%u-of-%u-#GP,%s", refused, tried, before == after ? "same-revision" : "other-revision");
}
static uint32_t refusals(const char *name, uint32_t first, uint32_t last) {
    uint32_t refused = 0;
    uint64_t value;
    for (uint32_t msr = first; msr <= last; msr++) {
        if (try_rdmsr(msr, &value) == 13) refused++;
        else finding(name, "read=%x", msr);
        // An error that is valid, uncorrected, with context corrupt, as injection by silicon's own tools looks.
        if (try_wrmsr(msr, 0xBE00000000000134) == 13) refused++;
        else finding(name, "written=%x", msr);
    }
    return refused;
}
static void machine_check(void) {
    announce("machine-check-banks", "");
    uint32_t refused = refusals("machine-check-banks", 0x179, 0x17B) + refusals("machine-check-banks", 0x400, 0x47F) +
                       refusals("machine-check-banks", 0x280, 0x29F) +
                       refusals("machine-check-banks", 0xC0002000, 0xC00020FF) +
                       refusals("machine-check-banks", 0xC0010015 + 0x3D, 0xC0010055);
    attempt("machine-check-banks", "%u-of-%u-#GP", refused, 2 * (3 + 128 + 32 + 256 + 4));
    // The exception, as software can raise it: it is this guest's own.
    announce("machine-check-software", "");
    int vector = try_interrupt_18();
    attempt("machine-check-software", "%s", vector == 18 ? "own-#MC" : vector_name(vector));
    // The silicon's switch for it. Whoever has no machine checks has not the bit either.
    announce("machine-check-enable", "");
    uint64_t cr4 = read_cr4();
    vector = try_write_cr4(cr4 | 1 << 6);
    bool set = read_cr4() >> 6 & 1;
    try_write_cr4(cr4);
    attempt("machine-check-enable", "%s,%s", vector_name(vector), set ? "own-bit" : "no-bit");
}
static void tracing(void) {
    static const uint32_t msrs[] = {0x1D9, 0x1C9, 0x1DB, 0x1DC, 0x570, 0x571, 0x560, 0x38F, 0x390, 0x3F1, 0x600, 0xC000010F,
                                    0xC0010200, 0xC0011030, 0x1A4, 0x34, 0x9B, 0x9E, 0x1F2, 0xC0010111, 0xC0010112,
                                    0xC0010113, 0xC0010114, 0xC0010117, 0xC0010118, 0x480, 0x3A, 0xC8F, 0xC90, 0x150};
    uint32_t refused = 0, count = sizeof msrs / sizeof msrs[0];
    announce("firmware-msrs", "");
    for (uint32_t i = 0; i < count; i++) {
        if (try_wrmsr(msrs[i], 1) == 13 && try_wrmsr(msrs[i], 0x8000001100000000) == 13) refused++;
        else finding("firmware-msrs", "msr=%x", msrs[i]);
    }
    attempt("firmware-msrs", "%u-of-%u-#GP", refused, count);
}
// A whole request to stop this very guest, which a manager may do, as a manager would send it, to where the machine's own second port would be.
static void second_serial_port(void) {
    static const uint8_t frame[] = {
        0x7E, 0x01, 0x01, 0x00, 0x0C, 0x00, 0x00, 0x00, 0x09, 0xA2, 0x00, 0x06, 0x01, 0x67, 0x68,
        0x6F, 0x73, 0x74, 0x69, 0x6C, 0x65, 0x1C, 0xFB, 0x70, 0xE2, 0x7E};
    uint32_t ones = 0, others = 0;
    announce("port-com2", "");
    for (uint16_t base = 0x2F8; base; base = base == 0x2F8 ? 0x3E8 : base == 0x3E8 ? 0x2E8 : 0) {
        out8(base + 3, 0x80), out8(base, 1), out8(base + 1, 0), out8(base + 3, 3), out8(base + 4, 0x1F);
        for (size_t i = 0; i < sizeof frame; i++) out8(base, frame[i]);
        for (uint16_t i = 0; i < 8; i++) in8(base + i) == 0xFF ? ones++ : others++;
    }
    attempt("port-com2", "%u-ones,%u-other", ones, others);
}
// The switch left on, for the test in which the silicon reports an error while this guest runs.
void attack_machine_checks_on(const char *argument) {
    (void)argument;
    write_cr4(read_cr4() | 1 << 6);
}
void attack_firmware(const char *argument) {
    (void)argument;
    management_ports();
    microcode();
    machine_check();
    tracing();
    second_serial_port();
}
