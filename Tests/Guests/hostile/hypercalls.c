// (g) Hypercalls: every number up to 65,535 and those that other hypervisors know, with register patterns that would be
// addresses, lengths or magic words, by both vendors' instructions.
#include "attack.h"

asm(".text\nhypercall_amd: .byte 0x0F, 0x01, 0xD9\n jmp probe_done\n"
    "hypercall_intel: .byte 0x0F, 0x01, 0xC1\n jmp probe_done\n");
extern const char hypercall_amd[], hypercall_intel[];

static uint32_t answered, undefined, others;

static void call(const char *name, const void *code, struct registers r) {
    int vector = probe_run(code, &r);
    if (vector == 6) undefined++;
    else if (vector < 0) answered++, finding(name, "rax=%lx rbx=%lx rcx=%lx gave=%lx", r.rax, r.rbx, r.rcx, probe_after.rax);
    else others++, finding(name, "rax=%lx %s", r.rax, vector_name(vector));
}
static void begin(const char *name) {
    announce(name, "");
    answered = undefined = others = 0;
}
static void end(const char *name) { attempt(name, "%u-#UD,%u-answered,%u-other", undefined, answered, others); }

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
void attack_hypercalls(const char *argument) {
    (void)argument;
    numbers("hypercall-numbers-vmmcall", hypercall_amd);
    numbers("hypercall-numbers-vmcall", hypercall_intel);
    patterns("hypercall-patterns-vmmcall", hypercall_amd);
    patterns("hypercall-patterns-vmcall", hypercall_intel);
}
