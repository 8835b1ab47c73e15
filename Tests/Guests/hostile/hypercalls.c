// (g) Hypercalls: every number up to 65,535 and those that other hypervisors know, with register patterns that would be
// addresses, lengths or magic words, by both vendors' instructions.
#include "attack.h"

asm(".text\nhypercall_amd: .byte 0x0F, 0x01, 0xD9\n jmp probe_done\n"
    "hypercall_intel: .byte 0x0F, 0x01, 0xC1\n jmp probe_done\n");
extern const char hypercall_amd[], hypercall_intel[];

static uint32_t answered, undefined, unknown, others;

static bool kept(const struct registers *r) {
    const uint64_t *before = (const uint64_t *)r;
    const volatile uint64_t *after = (const volatile uint64_t *)&probe_after;
    for (size_t i = 1; i < sizeof *r / sizeof *before; i++)
        if (before[i] != after[i]) return false;
    return true;
}
// "No such call" in RAX, as KVM says it, and nothing else changed.
static void call(const char *name, const void *code, struct registers r) {
    int vector = probe_run(code, &r);
    if (vector == 6) undefined++;
    else if (vector < 0 && probe_after.rax == -1000ull && kept(&r)) unknown++;
    else if (vector < 0) answered++, finding(name, "rax=%lx rbx=%lx rcx=%lx gave=%lx", r.rax, r.rbx, r.rcx, probe_after.rax);
    else others++, finding(name, "rax=%lx %s", r.rax, vector_name(vector));
}
static void begin(const char *name) {
    announce(name, "");
    answered = undefined = unknown = others = 0;
}
static void end(const char *name) { attempt(name, "%u-#UD,%u-unknown,%u-answered,%u-other", undefined, unknown, answered, others); }

static void numbers(const char *name, const void *code) {
    begin(name);
    for (uint64_t number = 0; number < 65536; number++) call(name, code, (struct registers){.rax = number});
    end(name);
}
// Operands: nothing, everything, our memory, its end, other partitions' places, the hypervisor's, high halves.
static void patterns(const char *name, const void *code) {
    static const uint64_t numbers[] = {0, 1, 2, 5, 9, 10, 11, 12, 0x4000, 0x8001, 0x564D5868, 0x4641554D, 0x80000000,
                                       0x84000000, 0xC4000000, ~0ull, 1ull << 63};
    const uint64_t end_of_ours = low_memory_end();
    const uint64_t words[] = {0, ~0ull, 0x1000, 0x100000, end_of_ours - 8, end_of_ours, 0x20000000, 0xFEE00000, 1ull << 32,
                              1ull << 47, 0xFFFF800000000000, 0x5658, 0x564D5868, 45, 68};
    const size_t count = sizeof words / sizeof words[0];
    begin(name);
    for (size_t n = 0; n < sizeof numbers / sizeof numbers[0]; n++)
        for (size_t a = 0; a < count; a++)
            for (size_t b = 0; b < count; b++)
                call(name, code, (struct registers){.rax = numbers[n], .rbx = words[a], .rcx = words[b], .rdx = words[a],
                                                    .rsi = words[b], .rdi = words[a], .r8 = words[b], .r9 = words[a],
                                                    .r10 = words[b]});
    end(name);
}
// By a program in user mode, which ends by UD2: its segments stand where the last vCPU's task state would, its pages are
// the image's.
asm(".text\nprogram_run: pushq %rbx\n pushq %rbp\n movq %rsp, program_stack\n pushq $0xAB\n pushq %rsp\n pushfq\n pushq $0xA3\n"
    " pushq %rdi\n movl $5, %eax\n iretq\n"
    "program_over: movl $16, %ecx\n movl %ecx, %ds\n movl %ecx, %ss\n movq (%rsp), %rdx\n movq program_stack, %rsp\n"
    " movq %rdx, program_end\n popq %rbp\n popq %rbx\n retq\n"
    "program_amd: .byte 0x0F, 0x01, 0xD9\n ud2\nprogram_intel: .byte 0x0F, 0x01, 0xC1\n ud2\n");
extern const char program_over[], program_amd[], program_intel[];
extern uint64_t program_run(const void *code), gdt[], page_map[512];
uint64_t program_stack, program_end;

static void open_image(uint64_t user) {
    uint64_t *pointers = (uint64_t *)(page_map[0] & ~0xFFFull), *directory = (uint64_t *)(pointers[0] & ~0xFFFull);
    page_map[0] = (page_map[0] & ~4ull) | user;
    pointers[0] = (pointers[0] & ~4ull) | user;
    for (uint64_t at = (uint64_t)image_start >> 21; at <= (uint64_t)image_end >> 21; at++)
        directory[at] = (directory[at] & ~4ull) | user;
    write_cr3(read_cr3());
}
static void by_program(void) {
    const char *code = cpuid(0, 0).ebx == 0x756E6547 ? program_intel : program_amd;
    announce("hypercall-by-program", "");
    uint64_t kept[2] = {gdt[20], gdt[21]};
    gdt[20] = 0x0020FB0000000000, gdt[21] = 0x00CFF3000000FFFF;
    open_image(4);
    set_gate(6, (uint64_t)program_over);
    uint64_t answer = program_run(code);
    load_interrupt_table(0);
    open_image(0);
    gdt[20] = kept[0], gdt[21] = kept[1];
    attempt("hypercall-by-program", "%s,after-%ld-bytes,%lx", answer == -1ull ? "not-permitted" : "other",
            (int64_t)(program_end - (uint64_t)code), answer);
}
void attack_hypercalls(const char *argument) {
    (void)argument;
    numbers("hypercall-numbers-vmmcall", hypercall_amd);
    numbers("hypercall-numbers-vmcall", hypercall_intel);
    patterns("hypercall-patterns-vmmcall", hypercall_amd);
    patterns("hypercall-patterns-vmcall", hypercall_intel);
    by_program();
}
