// (l) Traps of the guest's own around exits: single steps over what exits, accesses that end by a fault of the guest's, NMIs
// one inside the other. What the hypervisor does meanwhile (a step of its own, events that it delivers) must not be seen.
#include "step.h"

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

// A breakpoint of the guest's own on what it reads outside: the trap is its, the step's is not.
asm(".text\nwatched: movq (%rdi), %rbx\nwatched_end: nop\n nop\n jmp probe_done\n");
extern const char watched[], watched_end[];
static void watch(void) {
    struct registers r = {.rdi = (uint64_t)map_outside("above")};
    announce("step-watched", "");
    write_dr6(0xFFFF0FF0);
    write_dr0(r.rdi);
    write_dr7(0x400 | 1 | 0xBull << 16);  // reads and writes of 8 bytes
    int vector = probe_run(watched, &r);
    uint64_t dr6 = read_dr6();
    write_dr7(0x400);
    const char *place = fault.rip == (uint64_t)watched_end ? "behind" : "elsewhere";
    attempt("step-watched", "%s,%s,b%lx,%s", vector_name(vector), place, dr6 & 15, dr6 >> 14 & 1 ? "bs" : "no-bs");
    write_dr6(0xFFFF0FF0);
}

// Out of a handler, from wherever its frame was, with NMIs unblocked.
#define LEAVE " movq $leaving + 64, %rsp\n pushq $16\n pushq $leaving + 64\n pushq $2\n pushq $8\n pushq $probe_done\n iretq\n"
#define SEND_NMI " movl $0x830, %ecx\n movq nmi_self, %rdx\n movl $0x4400, %eax\n wrmsr\n"
asm(".data\n.balign 16\n.fill 64\nreturn_frame: .quad return_again, 8, 2, return_frame, 16\n"
    ".bss\n.balign 16\nleaving: .skip 64\n.text\n"
    // The handler sends another NMI and returns to its own IRET for ever; the second is taken behind the first return.
    "return_nmi: incq nmi_taken\n cmpq $1, nmi_taken\n ja 1f\n" SEND_NMI " movq $return_frame, %rsp\n"
    "return_again: iretq\n1:" LEAVE
    // Its frame is written outside, where nothing stays; nor does what the handler writes there.
    "outside_nmi: movq $0x5EED, (%rdi)\n movq (%rdi), %rax\n movq %rax, nmi_taken\n" LEAVE
    // Of its frame what names the stack lies outside, the rest in memory.
    "outside_soft: movq (%rsp), %rax\n movq %rax, soft_rip\n movq 16(%rsp), %rax\n movq %rax, soft_flags\n" LEAVE
    "send_nmi:" SEND_NMI " nop\n nop\n jmp probe_done\n"
    "soft_breakpoint: int3\nsoft_breakpoint_end: jmp probe_done\n"
    "soft_interrupt: int $0x81\nsoft_interrupt_end: jmp probe_done\n");
extern const char return_nmi[], outside_nmi[], outside_soft[], send_nmi[], soft_breakpoint[], soft_breakpoint_end[];
extern const char soft_interrupt[], soft_interrupt_end[];
static _Alignas(16) uint64_t nmi_stack[64];
volatile uint64_t soft_rip, soft_flags;

static void handlers(void) {
    nmi_self = machine.apic_ids[0];
    announce("nmi-return-loop", "");
    set_gate(2, (uint64_t)return_nmi);
    gates_without_stacks();
    nmi_taken = 0;
    probe_run(send_nmi, &(struct registers){.rsp = (uint64_t)&nmi_stack[32]});
    attempt("nmi-return-loop", "%lu-taken", nmi_taken);

    announce("nmi-outside", "");
    set_gate(2, (uint64_t)outside_nmi);
    gates_without_stacks();
    uint64_t outside = (uint64_t)map_outside("above");
    nmi_taken = 0;
    probe_run(send_nmi, &(struct registers){.rdi = outside, .rsp = outside + 0x800});
    attempt("nmi-outside", "%s", nmi_taken == ~0ull ? "nothing" : nmi_taken == 0x5EED ? "kept" : "other");
    load_interrupt_table(0);
}
// An NMI of its own that comes with a trap of its own: the trap is due first, right behind the WRMSR, and the NMI behind that.
asm(".text\ntrapped_nmi: incq nmi_taken\n iretq\n"
    "nmi_trap: pushq %rax\n leaq sent_nmi(%rip), %rax\n cmpq %rax, 8(%rsp)\n jne 1f\n incq nmi_traps\n"
    "1: popq %rax\n andq $~0x100, 16(%rsp)\n iretq\n"
    "send_trapped: movl $0x830, %ecx\n movq nmi_self, %rdx\n movl $0x4400, %eax\n pushfq\n orq $0x100, (%rsp)\n popfq\n"
    " wrmsr\nsent_nmi: nop\n nop\n nop\n jmp probe_done\n");
extern const char trapped_nmi[], nmi_trap[], send_trapped[];
volatile uint64_t nmi_traps;

static void trapped(void) {
    announce("nmi-trapped", "");
    nmi_self = machine.apic_ids[0];
    set_gate(1, (uint64_t)nmi_trap);
    set_gate(2, (uint64_t)trapped_nmi);
    gates_without_stacks();
    nmi_taken = nmi_traps = 0;
    for (uint32_t i = 0; i < 100; i++) probe_run(send_trapped, &(struct registers){.rsp = (uint64_t)&nmi_stack[32]});
    load_interrupt_table(0);
    attempt("nmi-trapped", "%lu-taken,%lu-trapped", nmi_taken, nmi_traps);
}

// The entry of the page directory for one of the last 2 MiB below 4 GiB.
static volatile uint64_t *last_entries(uint32_t index) {
    uint64_t *pointers = (uint64_t *)(*(uint64_t *)read_cr3() & ~0xFFFull);
    return (uint64_t *)(pointers[3] & ~0xFFFull) + index;
}
static void map_last(uint32_t index, uint64_t physical) {
    *last_entries(index) = physical | 0x83;
    write_cr3(read_cr3());
}
static void soft(const char *name, const char *code, const char *end, uint32_t vector) {
    announce(name, "");
    set_gate(vector, (uint64_t)outside_soft);
    gates_without_stacks();
    soft_rip = soft_flags = 0;
    probe_run(code, &(struct registers){.rsp = 0xFFE00010});
    const char *place = soft_rip == (uint64_t)end ? "behind" : soft_rip == (uint64_t)code ? "before" : "elsewhere";
    attempt(name, "%s,%s", place, soft_flags & 0x100 ? "tf" : "no-tf");
    load_interrupt_table(0);
}
// From the last two bytes of 4 GiB on, in compatibility mode: what comes next is at 0.
asm(".text\nwrap: movl $0xFFFFFFFE, %edx\n pushq $0x18\n pushq %rdx\n xorl %eax, %eax\n lretq\nwrap_back: jmp probe_done\n");
extern const char wrap[], wrap_back[];
static void wrapped(const char *name, uint8_t *last, uint8_t first, uint8_t second) {
    announce(name, "");
    last[0] = first;
    last[1] = second;
    attempt(name, "%s", vector_name(probe_run(wrap, &(struct registers){.rsp = (uint64_t)&nmi_stack[32]})));
}
static void ends(void) {
    uint64_t page = (free_memory().start + 0x1FFFFF) & ~0x1FFFFFull, jump = 0xEA | (uint64_t)wrap_back << 8 | 8ull << 40;
    uint64_t before[2] = {*last_entries(510), *last_entries(511)};
    volatile uint64_t *zero = nullptr;
    asm("" : "+r"(zero));
    uint64_t kept = *zero;
    map_last(510, page);
    soft("soft-outside-int3", soft_breakpoint, soft_breakpoint_end, 3);
    soft("soft-outside-intn", soft_interrupt, soft_interrupt_end, 0x81);
    map_last(511, page);
    *zero = jump;
    wrapped("wrap-cpuid", (uint8_t *)page + 0x1FFFFE, 0x0F, 0xA2);
    wrapped("wrap-in", (uint8_t *)page + 0x1FFFFE, 0xE4, 0x2E);
    *zero = kept;
    map_last(510, before[0] & ~0x1FFFFFull);
    map_last(511, before[1] & ~0x1FFFFFull);
}
void attack_steps(const char *argument) {
    (void)argument;
    steps();
    abandon();
    nested();
    watch();
    handlers();
    trapped();
    ends();
}
