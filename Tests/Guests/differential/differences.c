// Instructions whose outcome in a partition is not the bare machine's, by a decision. The reasons, and both outcomes, are in
// Tests/Guests/differences.yaml; no sequence has them.
#include "differential.h"

static const struct {
    const char *name;
    const char *code;
    uint32_t length;
    bool user;
} cases[] = {
#define CASE(name, text) {name, text, sizeof text - 1, false}
#define USER_CASE(name, text) {name, text, sizeof text - 1, true}
    CASE("rdmsr-unknown", "\xB9\x34\x12\x00\x00\x0F\x32"),
    CASE("wrmsr-unknown", "\xB9\x34\x12\x00\x00\x0F\x30"),
    CASE("wrmsr-tsc", "\xB9\x10\x00\x00\x00\x0F\x30"),
    CASE("wrmsr-efer-reserved", "\xB9\x80\x00\x00\xC0\x0F\x32\x0F\xBA\xE8\x07\x0F\x30"),
    CASE("rdmsr-smm-base", "\xB9\x11\x01\x01\xC0\x0F\x32"),
    CASE("rdmsr-vm-hsave", "\xB9\x17\x01\x01\xC0\x0F\x32"),
    CASE("rdmsr-mtrr-capabilities", "\xB9\xFE\x00\x00\x00\x0F\x32"),
    CASE("wrmsr-lvt-smi", "\xB9\x35\x08\x00\x00\xB8\x00\x02\x01\x00\x31\xD2\x0F\x30"),
    CASE("insb", "\xBA\xED\x00\x00\x00\xBF\x00\x10\x00\x40\x6C"),
    CASE("outsb", "\xBA\xED\x00\x00\x00\xBE\x00\x10\x00\x40\x6E"),
    CASE("rdpmc", "\x31\xC9\x0F\x33"),
    CASE("monitor", "\xB8\x00\x10\x00\x40\x31\xC9\x31\xD2\x0F\x01\xC8"),
    CASE("vmrun", "\x31\xC0\x0F\x01\xD8"),
    USER_CASE("vmrun-user", "\x31\xC0\x0F\x01\xD8"),
    CASE("stgi", "\x0F\x01\xDC"),
    USER_CASE("stgi-user", "\x0F\x01\xDC"),
    CASE("invlpga", "\x31\xC9\x0F\x01\xDF"),
    USER_CASE("invlpga-user", "\x31\xC9\x0F\x01\xDF"),
    CASE("vmmcall", "\xB8\xFF\xFF\x00\x00\x0F\x01\xD9"),
    USER_CASE("vmmcall-user", "\xB8\xFF\xFF\x00\x00\x0F\x01\xD9"),
    CASE("vmcall", "\xB8\xFF\xFF\x00\x00\x0F\x01\xC1"),
    USER_CASE("vmcall-user", "\xB8\xFF\xFF\x00\x00\x0F\x01\xC1"),
    CASE("rdpru", "\x31\xC9\x0F\x01\xFD"),
    // FNINIT, FLDCW with nothing masked, NE cleared, 1 / 0, FWAIT.
    CASE("x87-error-without-ne", "\xDB\xE3\x66\xC7\x44\x24\xF8\x00\x03\xD9\x6C\x24\xF8\x0F\x20\xC0\x35\x20\x00\x00\x00\x0F\x22\xC0"
                                 "\xD9\xEE\xD9\xE8\xD8\xF1\x9B"),
    CASE("step-over-cpuid", "\x9C\x0F\xBA\x2C\x24\x08\x9D\x0F\xA2\x31\xC0"),
};

void run_differences(void) {
    static struct sequence sequence;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        generate(&sequence, 0, 0);
        memset(sequence.code, 0, sizeof sequence.code);
        memcpy(sequence.code, cases[i].code, cases[i].length);
        memcpy(sequence.code + cases[i].length, "\x0F\x0B", 2);
        sequence.steps = 0;
        sequence.noise = false;
        sequence.cr4 = 0x506A8;
        sequence.dr7 = 0x400;
        sequence.start.rflags = 2;
        sequence.start.rip = CODE;
        sequence.start.cs = cases[i].user ? USER_CODE64 : CODE64;
        sequence.start.ss = sequence.start.ds = sequence.start.es = cases[i].user ? USER_DATA : DATA0;
        sequence.start.gpr[RSP] = STACK + 0x800;
        sandbox_run(&sequence, false);
        bool done = after.vector == 6 && after.rip == CODE + cases[i].length;
        print("@case %s %s", cases[i].name, done ? "done" : vector_name((int)after.vector));
        if (after.vector == 1) print("+%lu", after.rip - CODE);
        print("\n");
    }
}
