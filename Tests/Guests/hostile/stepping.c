// (l) More that a guest may step itself over: what the hypervisor carries out for it, what changes what the step stands on,
// and what holds a trap back. The trap comes behind each, as on silicon.
#include "step.h"

STEP(pause, "pause")
STEP(tables, "movq %rbx, %cr3")
STEP(priority, "movq %rbx, %cr8")
STEP(translation, "invlpg (%rdi)")
STEP(clock, "rdtsc")
STEP(task, "lgdt (%rsi)")
STEP(insb, "insb")
STEP(outsb, "outsb")
STEP(atomic, "lock addq %rbx, (%rdi)")
STEP(move, "movsq")
STEP(exchange, "xchgq %rbx, (%rdi)")
STEP(jump, "jmp step_jump_end")
STEP(ss_in, "movl %eax, %ss\n inb $0x2E, %al")
STEP(ss_wrmsr, "movl %eax, %ss\n wrmsr")
STEP(ss_hypercall_amd, "movl %eax, %ss\n .byte 0x0F, 0x01, 0xD9")
STEP(ss_hypercall_intel, "movl %eax, %ss\n .byte 0x0F, 0x01, 0xC1")
STEP(icr, "wrmsr")

static _Alignas(16) uint64_t stack[64];
static void step(const char *name, const char *code, const char *end, struct registers r) {
    char attempted[40];
    format_into(attempted, sizeof attempted, "stepping-%s", name);
    announce(attempted, "");
    r.rsp = (uint64_t)&stack[48];
    write_dr6(0xFFFF0FF0);
    int vector = probe_run(code, &r);
    uint64_t dr6 = read_dr6();
    attempt(attempted, "%s,%s,%s,%ld-bytes", vector_name(vector), fault.rip == (uint64_t)end ? "behind" : "elsewhere",
            dr6 >> 14 & 1 ? "bs" : "no-bs", (int64_t)(fault.rip - (uint64_t)end));
    write_dr6(0xFFFF0FF0);
}
void attack_stepping(const char *argument) {
    (void)argument;
    static uint64_t landing[4];
    bool intel = cpuid(0, 0).ebx == 0x756E6547;
    uint64_t outside = (uint64_t)map_outside("above");
    struct table_pointer table;
    asm volatile("sgdt %0" : "=m"(table));
#define RUN(label, name, ...) step(label, step_##name, step_##name##_end, (struct registers){__VA_ARGS__})
    RUN("pause", pause);
    RUN("page-tables", tables, .rbx = read_cr3());
    RUN("priority", priority, .rbx = 3);
    write_cr8(0);
    RUN("translation", translation, .rdi = outside);
    RUN("clock", clock);
    RUN("descriptors", task, .rsi = (uint64_t)&table);
    RUN("string-in", insb, .rdx = 0x3FD, .rdi = (uint64_t)landing);
    RUN("string-out", outsb, .rdx = 0x3FF, .rsi = (uint64_t)landing);
    RUN("atomic", atomic, .rdi = outside, .rbx = 1);
    RUN("move-from", move, .rsi = outside, .rdi = (uint64_t)landing);
    RUN("move-to", move, .rsi = (uint64_t)landing, .rdi = outside);
    RUN("move-within", move, .rsi = outside, .rdi = outside + 64);
    RUN("exchange", exchange, .rdi = outside);
    RUN("jump", jump);
    RUN("ss-in", ss_in, .rax = 16);
    RUN("ss-wrmsr", ss_wrmsr, .rax = 16, .rcx = APIC_TPR);
    if (intel) RUN("ss-hypercall", ss_hypercall_intel, .rax = 16);
    else RUN("ss-hypercall", ss_hypercall_amd, .rax = 16);
    // To nobody: a physical destination that is not ours.
    RUN("command", icr, .rcx = APIC_ICR, .rdx = 0xFFFF, .rax = 0x4051);
    RUN("command-refused", icr, .rcx = APIC_ICR, .rdx = 0xFFFF, .rax = 0x4451);
}
