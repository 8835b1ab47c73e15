// The entry stubs, and the common path, which hands a `struct frame` to trap().
#include "stubs.h"

    .section .text.vectors, "ax"
    .balign 16
    .globl vectors
vectors:
    entry_stubs common
    .balign 16
common:
    pushq %rax
    pushq %rbx
    pushq %rcx
    pushq %rdx
    pushq %rsi
    pushq %rdi
    pushq %rbp
    pushq %r8
    pushq %r9
    pushq %r10
    pushq %r11
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    cld
    movq %rsp, %rdi
    callq trap
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %r11
    popq %r10
    popq %r9
    popq %r8
    popq %rbp
    popq %rdi
    popq %rsi
    popq %rdx
    popq %rcx
    popq %rbx
    popq %rax
    addq $16, %rsp
    iretq

// int probe_run(const void *code, const struct registers *before)
// Runs `code` (which ends in `jmp probe_done`) with all sixteen registers loaded from `before`, and leaves in
// `probe_after` what they were afterwards, also when it faulted. Interrupts are off meanwhile.
    .text
    .globl probe_run, probe_done
probe_run:
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    pushfq
    cli
    movq %rsp, probe_stack
    movq %rdi, probe_code
    movq $-1, fault
    movq %rsp, recovery + 8
    movq $probe_done, recovery
    movq 8(%rsi), %rbx
    movq 16(%rsi), %rcx
    movq 24(%rsi), %rdx
    movq 40(%rsi), %rdi
    movq 48(%rsi), %rbp
    movq 56(%rsi), %rsp
    movq 64(%rsi), %r8
    movq 72(%rsi), %r9
    movq 80(%rsi), %r10
    movq 88(%rsi), %r11
    movq 96(%rsi), %r12
    movq 104(%rsi), %r13
    movq 112(%rsi), %r14
    movq 120(%rsi), %r15
    movq 0(%rsi), %rax
    movq 32(%rsi), %rsi
    jmpq *probe_code
probe_done:
    movq $0, recovery
    movq %rax, probe_after
    movq %rbx, probe_after + 8
    movq %rcx, probe_after + 16
    movq %rdx, probe_after + 24
    movq %rsi, probe_after + 32
    movq %rdi, probe_after + 40
    movq %rbp, probe_after + 48
    movq %rsp, probe_after + 56
    movq %r8, probe_after + 64
    movq %r9, probe_after + 72
    movq %r10, probe_after + 80
    movq %r11, probe_after + 88
    movq %r12, probe_after + 96
    movq %r13, probe_after + 104
    movq %r14, probe_after + 112
    movq %r15, probe_after + 120
    movq probe_stack, %rsp
    movq $0, recovery + 8
    cld
    popfq
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    movl fault, %eax
    retq

    .bss
    .balign 16
    .globl probe_after
probe_stack:    .skip 8
probe_code:     .skip 8
probe_after:    .skip 128
