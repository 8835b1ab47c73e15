// (c) Instructions that take more from memory than a word, with their operand where nobody answers: a pointer, a frame, a
// table, a state, flags. Whatever is read are ones, and what follows from them is this guest's own.
#include "attack.h"

#define KIND(name, code) \
    asm(".text\noperand_" #name ": " code "\n jmp probe_done\n"); \
    extern const char operand_##name[];
KIND(exchange, "xchgq %rbx, (%rdi)\n movq %rbx, %rax")
KIND(bits, "lock btsq $5, (%rdi)\n movl $0, %eax\n sbbq %rax, %rax")
KIND(compare, "cld\n cmpsb\n movq (%rdi), %rax")
KIND(scan, "cld\n movb $-1, %al\n repe scasb\n movq (%rdi), %rax")
KIND(pop, "popq (%rsp)\n movq (%rdi), %rax")
KIND(call, "callq *(%rdi)")
KIND(jump, "ljmpl *(%rdi)")
KIND(tables, "sgdt (%rdi)\n sidt 16(%rdi)\n movq (%rdi), %rax\n andq 16(%rdi), %rax")
KIND(selector, "ltr (%rdi)")
KIND(local, "lldt (%rdi)")
KIND(verify, "verr (%rdi)\n movq $-1, %rax")
KIND(restore, "fxrstor (%rdi)\n movq $-1, %rax")
KIND(environment, "fnstenv (%rdi)\n movq (%rdi), %rax")
KIND(control, "ldmxcsr (%rdi)\n movq $-1, %rax")
KIND(status, "smsw (%rdi)\n movq (%rdi), %rax")
KIND(divide, "movl $0, %edx\n movl $7, %eax\n divq (%rdi)\n subq $1, %rax")
KIND(convert, "cvtsi2sdq (%rdi), %xmm0\n movq $-1, %rax")
KIND(stream, "movntiq %rbx, (%rdi)\n movq (%rdi), %rax")
KIND(eight, "lock cmpxchg8b (%rdi)\n shlq $32, %rdx\n orq %rdx, %rax")
KIND(leave, "leave\n movq %rbp, %rax")
KIND(frame, "iretq")
KIND(far, "lretq")

static const struct {
    const char *name;
    const char *code;
    /// Faults that ones as an operand come to; -1 none. QEMU takes reserved bits of MXCSR.
    int first, second;
} kinds[] = {
    {"exchange", operand_exchange, -1, -1}, {"bits", operand_bits, -1, -1}, {"compare", operand_compare, -1, -1},
    {"scan", operand_scan, -1, -1}, {"pop", operand_pop, -1, -1}, {"call", operand_call, 13, 14},
    {"jump", operand_jump, 13, 13}, {"tables", operand_tables, -1, -1}, {"selector", operand_selector, 13, 13},
    {"local", operand_local, 13, 13}, {"verify", operand_verify, -1, -1}, {"restore", operand_restore, 13, -1},
    {"environment", operand_environment, -1, -1}, {"control", operand_control, 13, -1}, {"status", operand_status, -1, -1},
    {"divide", operand_divide, -1, -1}, {"convert", operand_convert, -1, -1}, {"stream", operand_stream, -1, -1},
    {"eight", operand_eight, -1, -1}, {"leave", operand_leave, -1, -1}, {"frame", operand_frame, 13, 13},
    {"far", operand_far, 13, 13},
};

// Kinds with the stack outside have it there; all see ones, or the fault that ones come to.
void attack_operands(const char *argument) {
    static const char *const places[] = {"above", "lapic"};
    (void)argument;
    uint64_t cr0 = read_cr0(), cr4 = read_cr4();
    write_cr0((cr0 & ~0xCull) | 2), write_cr4(cr4 | 0x600);  // vector instructions on
    for (size_t p = 0; p < 2; p++) {
        uint64_t at = (uint64_t)map_outside(places[p]) & ~0xFFFull;
        for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
            char attempted[40];
            struct registers r = {.rdi = at + 0x100, .rsi = at + 0x200, .rbx = 7, .rcx = 4, .rbp = at + 0x300, .rax = 1, .rdx = 1};
            format_into(attempted, sizeof attempted, "operand-%s-%s", kinds[i].name, places[p]);
            announce(attempted, "");
            if (kinds[i].code == operand_frame || kinds[i].code == operand_far || kinds[i].code == operand_pop) r.rsp = at + 0x100;
            int vector = probe_run(kinds[i].code, &r);
            bool own = vector == kinds[i].first || vector == kinds[i].second;
            bool ones = vector >= 0 || probe_after.rax == ~0ull;
            attempt(attempted, "%s,%s,%s,%lx", own ? "own" : "other", ones ? "ones" : "data", vector_name(vector), probe_after.rax);
        }
    }
    write_cr4(cr4), write_cr0(cr0);
}
