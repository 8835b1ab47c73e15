// (l) Traps of the guest's own around exits: single steps over what exits, accesses that end by a fault of the guest's, NMIs
// one inside the other. What the hypervisor does meanwhile (a step of its own, events that it delivers) must not be seen.
#include "attack.h"

// The trap comes behind the instruction after POPFQ; behind that of MOV SS too, which holds it back.
#define STEP(name, code) \
    asm(".text\nstep_" #name ": pushfq\n orq $0x100, (%rsp)\n popfq\nstep_" #name "_at: " code "\nstep_" #name \
        "_end: nop\n nop\n jmp probe_done\n"); \
    extern const char step_##name[], step_##name##_at[], step_##name##_end[];
STEP(nop, "nop")
STEP(cpuid, "cpuid")
STEP(in, "inb $0x2E, %al")
STEP(out, "outb %al, $0x2E")
STEP(uart, "inb (%dx), %al")
STEP(rdmsr, "rdmsr")
STEP(wrmsr, "wrmsr")
STEP(vmmcall, ".byte 0x0F, 0x01, 0xD9")
STEP(vmcall, ".byte 0x0F, 0x01, 0xC1")
STEP(wbinvd, "wbinvd")
STEP(read, "movq (%rdi), %rbx")
STEP(write, "movq %rbx, (%rdi)")
STEP(ss_cpuid, "movl %eax, %ss\n cpuid")
STEP(ss_read, "movl %eax, %ss\n movq (%rdi), %rbx")
STEP(ss_icebp, "movl %eax, %ss\n .byte 0xF1")
STEP(ss_rdpmc, "movl %eax, %ss\nstep_ss_rdpmc_fault: rdpmc")
extern const char step_ss_rdpmc_fault[];

static _Alignas(16) uint64_t stack[64];

static void step(const char *name, const char *code, const char *at, const char *end, struct registers r) {
    char attempted[32];
    format_into(attempted, sizeof attempted, "step-%s", name);
    announce(attempted, "");
    r.rsp = (uint64_t)&stack[48];
    write_dr6(0xFFFF0FF0);
    int vector = probe_run(code, &r);
    uint64_t dr6 = read_dr6();
    const char *place = fault.rip == (uint64_t)end ? "behind" : fault.rip == (uint64_t)at ? "before" : "within";
    attempt(attempted, "%s,%s,%s,%lx", vector_name(vector), place, dr6 >> 14 & 1 ? "bs" : "no-bs", dr6);
    write_dr6(0xFFFF0FF0);
}
static void steps(void) {
    bool intel = cpuid(0, 0).ebx == 0x756E6547;
    uint64_t outside = (uint64_t)map_outside("above"), efer = rdmsr(0xC0000080);
#define RUN(label, name, ...) step(label, step_##name, step_##name##_at, step_##name##_end, (struct registers){__VA_ARGS__})
    RUN("nop", nop);
    RUN("cpuid", cpuid, .rax = 1);
    RUN("in", in);
    RUN("out", out);
    RUN("uart", uart, .rdx = 0x3FD);
    RUN("rdmsr", rdmsr, .rcx = 0xC0000080);
    RUN("wrmsr", wrmsr, .rcx = 0xC0000080, .rax = (uint32_t)efer, .rdx = efer >> 32);
    if (intel) RUN("hypercall", vmcall);
    else RUN("hypercall", vmmcall);
    RUN("wbinvd", wbinvd);
    RUN("read", read, .rdi = outside);
    RUN("write", write, .rdi = outside);
    RUN("ss-cpuid", ss_cpuid, .rax = 16);
    RUN("ss-read", ss_read, .rax = 16, .rdi = outside);
    RUN("ss-icebp", ss_icebp, .rax = 16);
    step("ss-rdpmc", step_ss_rdpmc, step_ss_rdpmc_at, step_ss_rdpmc_fault, (struct registers){.rax = 16});
}

// The operand is outside, the stack's page is not there.
asm(".text\nabandoned_push: sti\n nop\n pushq (%rdi)\n cli\n jmp probe_done\n"
    "abandoned_divide: sti\n nop\n divq (%rdi)\n cli\n jmp probe_done\n"
    "abandoned_move: sti\n nop\n movsq\n cli\n jmp probe_done\n");
extern const char abandoned_push[], abandoned_divide[], abandoned_move[];

static void abandoned(const char *name, const char *code, struct registers r, uint64_t missing) {
    char attempted[32];
    uint64_t kept = 0;
    format_into(attempted, sizeof attempted, "abandoned-%s", name);
    announce(attempted, "");
    int vector = probe_run(code, &r);
    const char *address = !missing || fault.cr2 == missing ? "cr2-right" : "cr2-wrong";
    uint64_t flags = fault.rflags & 0x300;
    // Memory outside is as it was: what is written there is gone.
    volatile uint64_t *outside = map_outside("above");
    try_write(outside, 0x5EED);
    try_read(outside, &kept);
    attempt(attempted, "%s,%s,flags-%lx,%s", vector_name(vector), address, flags, kept == ~0ull ? "nothing" : "kept");
}
static void abandon(void) {
    uint64_t outside = (uint64_t)map_outside("above"), missing = (outside & ~0xFFFull) + 0x10000;
    abandoned("push", abandoned_push, (struct registers){.rdi = outside, .rsp = missing + 0x100}, missing + 0xF8);
    // A quotient that does not fit: the divisor is ones, the dividend as large.
    abandoned("divide", abandoned_divide, (struct registers){.rdi = outside, .rdx = ~0ull, .rax = ~0ull}, 0);
    abandoned("move", abandoned_move, (struct registers){.rsi = outside, .rdi = missing}, missing);
}

// The handler sends the next NMI from within; none comes before IRET.
asm(".text\nnested_nmi: pushq %rax\n pushq %rbx\n pushq %rcx\n pushq %rdx\n incq nmi_depth\n incq nmi_taken\n"
    " movq nmi_depth, %rax\n cmpq %rax, nmi_deepest\n jae 1f\n movq %rax, nmi_deepest\n"
    "1: cmpq $0, nmi_more\n je 2f\n decq nmi_more\n movl $0x830, %ecx\n movq nmi_self, %rdx\n movl $0x4400, %eax\n wrmsr\n wrmsr\n"
    "2: movl $0, %eax\n cpuid\n inb $0x2E, %al\n movl $1, %eax\n cpuid\n decq nmi_depth\n"
    " popq %rdx\n popq %rcx\n popq %rbx\n popq %rax\n iretq\n");
extern const char nested_nmi[];
volatile uint64_t nmi_depth, nmi_taken, nmi_deepest, nmi_more, nmi_self;

static void nested(void) {
    announce("nmi-nested", "");
    nmi_self = machine.apic_ids[0];
    set_gate(2, (uint64_t)nested_nmi);
    gates_without_stacks();
    nmi_depth = nmi_taken = nmi_deepest = 0;
    uint64_t most = 0;
    for (uint32_t round = 0; round < 20; round++) {
        uint64_t before = nmi_taken;
        nmi_more = 3;
        wrmsr(APIC_ICR, nmi_self << 32 | 0x4400);
        for (uint32_t i = 0; i < 20; i++) cpuid(0, 0);
        if (nmi_taken - before > most) most = nmi_taken - before;
    }
    load_interrupt_table(0);
    attempt("nmi-nested", "%lu-taken,%lu-a-round,%lu-deep", nmi_taken, most, nmi_deepest);
}
void attack_steps(const char *argument) {
    (void)argument;
    steps();
    abandon();
    nested();
}
