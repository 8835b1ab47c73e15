// (g) Instructions of virtualization, security extensions and system management, each with 10,000 sets of random
// registers where registers are its operands.
#include "attack.h"

#define PROBE(name, bytes) asm(".text\nprobe_" #name ": .byte " bytes "\n jmp probe_done\n"); extern const char probe_##name[];
// AMD: what belongs to SVM
PROBE(vmrun, "0x0F,0x01,0xD8")
PROBE(vmmcall, "0x0F,0x01,0xD9")
PROBE(vmload, "0x0F,0x01,0xDA")
PROBE(vmsave, "0x0F,0x01,0xDB")
PROBE(stgi, "0x0F,0x01,0xDC")
PROBE(clgi, "0x0F,0x01,0xDD")
PROBE(skinit, "0x0F,0x01,0xDE")
PROBE(invlpga, "0x0F,0x01,0xDF")
// Intel: VMX
PROBE(vmcall, "0x0F,0x01,0xC1")
PROBE(vmlaunch, "0x0F,0x01,0xC2")
PROBE(vmresume, "0x0F,0x01,0xC3")
PROBE(vmxoff, "0x0F,0x01,0xC4")
PROBE(vmfunc, "0x0F,0x01,0xD4")
PROBE(vmxon, "0xF3,0x0F,0xC7,0x30")
PROBE(vmptrld, "0x0F,0xC7,0x30")
PROBE(vmclear, "0x66,0x0F,0xC7,0x30")
PROBE(vmread, "0x0F,0x78,0xC3")
PROBE(vmwrite, "0x0F,0x79,0xC3")
PROBE(invept, "0x66,0x0F,0x38,0x80,0x00")
PROBE(invvpid, "0x66,0x0F,0x38,0x81,0x00")
// Broadcast TLB and RMP instructions, and what reaches firmware or microcode
PROBE(invlpgb, "0x0F,0x01,0xFE")
PROBE(tlbsync, "0x0F,0x01,0xFF")
PROBE(psmash, "0xF3,0x0F,0x01,0xFF")
PROBE(pvalidate, "0xF2,0x0F,0x01,0xFF")
PROBE(rmpadjust, "0xF3,0x0F,0x01,0xFE")
PROBE(rmpupdate, "0xF2,0x0F,0x01,0xFE")
PROBE(pconfig, "0x0F,0x01,0xC5")
PROBE(encls, "0x0F,0x01,0xCF")
PROBE(enclv, "0x0F,0x01,0xC0")
PROBE(seamcall, "0x66,0x0F,0x01,0xCF")
PROBE(tdcall, "0x66,0x0F,0x01,0xCC")
PROBE(getsec, "0x0F,0x37")
PROBE(rsm, "0x0F,0xAA")
PROBE(monitor, "0x0F,0x01,0xC8")
PROBE(mwait, "0x0F,0x01,0xC9")
PROBE(monitorx, "0x0F,0x01,0xFA")
PROBE(mwaitx, "0x0F,0x01,0xFB")
PROBE(umonitor, "0xF3,0x0F,0xAE,0xF0")
PROBE(umwait, "0xF2,0x0F,0xAE,0xF0")
PROBE(rdpru, "0x0F,0x01,0xFD")
PROBE(rdpmc, "0x0F,0x33")
PROBE(mcommit, "0xF3,0x0F,0x01,0xFA")
PROBE(senduipi, "0xF3,0x0F,0xC7,0xF0")
PROBE(hreset, "0xF3,0x0F,0x3A,0xF0,0xC0,0x00")
PROBE(wrmsrns, "0x0F,0x01,0xC6")
PROBE(invd, "0x0F,0x08")
PROBE(wbinvd, "0x0F,0x09")
// CLC behind it: where a hypervisor does not know the length and goes on at 09h, that is OR EAX, EDI, and no harm.
PROBE(wbnoinvd, "0xF3,0x0F,0x09,0xF8")
PROBE(icebp, "0xF1")
PROBE(ud2, "0x0F,0x0B")
PROBE(cpuid, "0x0F,0xA2")

enum expected {
    UNDEFINED,    // #UD
    PRIVILEGED,   // #UD or #GP; so VMRUN, VMLOAD, VMSAVE too: processors look at RAX before they look at the intercept
    HARMLESS,     // nothing, or either of these
    UNKNOWN,      // #UD; QEMU takes memory forms of 0F C7 /6 for RDRAND, which writes a register and nothing else
    HYPERCALL,    // #UD, or a call that answers in RAX to RDX and touches nothing else
};
#define ROW(name, expected, runs) {#name, probe_##name, expected, runs}
static const struct {
    const char *name, *code;
    enum expected expected;
    uint32_t runs;
} rows[] = {
    ROW(vmrun, PRIVILEGED, 10000), ROW(vmmcall, HYPERCALL, 10000), ROW(vmload, PRIVILEGED, 10000),
    ROW(vmsave, PRIVILEGED, 10000), ROW(stgi, UNDEFINED, 1000), ROW(clgi, UNDEFINED, 1000),
    ROW(skinit, UNDEFINED, 10000), ROW(invlpga, UNDEFINED, 10000), ROW(vmcall, HYPERCALL, 10000),
    ROW(vmlaunch, UNDEFINED, 1000), ROW(vmresume, UNDEFINED, 1000), ROW(vmxoff, UNDEFINED, 1000),
    ROW(vmfunc, UNDEFINED, 1000), ROW(vmxon, UNKNOWN, 1000), ROW(vmptrld, UNKNOWN, 1000),
    ROW(vmclear, UNKNOWN, 1000), ROW(vmread, UNDEFINED, 1000), ROW(vmwrite, UNDEFINED, 1000),
    ROW(invept, PRIVILEGED, 1000), ROW(invvpid, PRIVILEGED, 1000), ROW(invlpgb, UNDEFINED, 1000),
    ROW(tlbsync, UNDEFINED, 100), ROW(psmash, UNDEFINED, 1000), ROW(pvalidate, UNDEFINED, 1000),
    ROW(rmpadjust, UNDEFINED, 1000), ROW(rmpupdate, UNDEFINED, 1000), ROW(pconfig, PRIVILEGED, 1000),
    ROW(encls, UNDEFINED, 1000), ROW(enclv, UNDEFINED, 1000), ROW(seamcall, UNDEFINED, 1000),
    ROW(tdcall, UNDEFINED, 1000), ROW(getsec, PRIVILEGED, 1000), ROW(rsm, UNDEFINED, 1000),
    ROW(monitor, PRIVILEGED, 1000), ROW(mwait, PRIVILEGED, 1000), ROW(monitorx, PRIVILEGED, 1000),
    ROW(mwaitx, PRIVILEGED, 1000), ROW(umonitor, PRIVILEGED, 100), ROW(umwait, PRIVILEGED, 100),
    ROW(rdpru, PRIVILEGED, 1000), ROW(rdpmc, PRIVILEGED, 10000), ROW(mcommit, PRIVILEGED, 1000),
    ROW(senduipi, UNDEFINED, 1000), ROW(hreset, PRIVILEGED, 1000), ROW(wrmsrns, PRIVILEGED, 1000),
    ROW(invd, HARMLESS, 100), ROW(wbinvd, HARMLESS, 100), ROW(wbnoinvd, HARMLESS, 100), ROW(icebp, HARMLESS, 100),
    ROW(ud2, UNDEFINED, 1000), ROW(cpuid, HARMLESS, 10000),
};

// Random words, a third of them small, a third of them addresses that mean something, so that checks are passed too.
static uint64_t operand(uint64_t *seed) {
    static const uint64_t addresses[] = {0x1000, 0x100000, 0x200000, 0x8000000, 0xFEE00000, 0x100000000, 0x7FFFFFFFF000};
    uint64_t value = next_random(seed);
    switch (value % 3) {
    case 0: return value >> 32 & 0xFF;
    case 1: return addresses[value >> 32 & 7 ? (value >> 32 & 7) - 1 : 0];
    default: return value;
    }
}
static bool same_but_results(const struct registers *a, const struct registers *b) {
    return a->rsi == b->rsi && a->rdi == b->rdi && a->rbp == b->rbp && a->rsp == b->rsp && a->r8 == b->r8 &&
           a->r9 == b->r9 && a->r10 == b->r10 && a->r11 == b->r11 && a->r12 == b->r12 && a->r13 == b->r13 &&
           a->r14 == b->r14 && a->r15 == b->r15;
}
static bool acceptable(enum expected expected, int vector) {
    switch (expected) {
    case UNDEFINED: return vector == 6;
    case PRIVILEGED: return vector == 6 || vector == 13;
    case HARMLESS: return vector < 0 || vector == 1 || vector == 6 || vector == 13;
    case UNKNOWN: case HYPERCALL: return vector < 0 || vector == 6;
    }
    return false;
}
static void run_row(size_t i) {
    char name[32];
    uint64_t seed = 0x9E3779B97F4A7C15 + i;
    uint32_t none = 0, undefined = 0, protection = 0, other = 0, bad = 0;
    format_into(name, sizeof name, "insn-%s", rows[i].name);
    announce(name, "");
    for (uint32_t n = 0; n < rows[i].runs; n++) {
        struct registers r;
        for (size_t k = 0; k < 16; k++) ((uint64_t *)&r)[k] = operand(&seed);
        int vector = probe_run(rows[i].code, &r);
        if (vector < 0) none++;
        else if (vector == 6) undefined++;
        else if (vector == 13) protection++;
        else other++;
        bool kept = vector >= 0 || same_but_results(&r, (const struct registers *)&probe_after);
        if (acceptable(rows[i].expected, vector) && kept) continue;
        bad++;
        finding(name, "run=%u %s rax=%lx rcx=%lx kept=%d", n, vector_name(vector), r.rax, r.rcx, kept);
    }
    attempt(name, "%u-none,%u-#UD,%u-#GP,%u-other,%u-bad", none, undefined, protection, other, bad);
}
// The same at privilege by prefix: a decoder must not be led past fifteen bytes.
asm(".text\nprobe_long: .fill 14, 1, 0x66\n .byte 0x0F, 0xA2\n jmp probe_done\n"
    "probe_prefixed: .byte 0x66, 0xF2, 0x2E, 0x48, 0x0F, 0xA2\n jmp probe_done\n");
extern const char probe_long[], probe_prefixed[];

void attack_instructions(const char *argument) {
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (!*argument || equal(argument, rows[i].name)) run_row(i);
    struct registers r = {.rax = 0x40000000};
    int vector = probe_run(probe_long, &r);
    attempt("insn-16-bytes", "%s", vector_name(vector));
    vector = probe_run(probe_prefixed, &r);
    attempt("insn-prefixed-cpuid", "%s", vector_name(vector));
}
