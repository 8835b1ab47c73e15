// The way into a context and out of it. Offsets are those of `struct context`.
#include "../runtime/stubs.h"

    .equ RIP, 128
    .equ CS, 136
    .equ RFLAGS, 144
    .equ SS, 152
    .equ DS, 160
    .equ ES, 168
    .equ FS, 176
    .equ GS, 184
    .equ VECTOR, 192
    .equ ERROR, 200

    .text
    .globl enter
enter:
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, harness_stack
    pushq SS(%rdi)
    pushq 56(%rdi)
    pushq RFLAGS(%rdi)
    pushq CS(%rdi)
    pushq RIP(%rdi)
    movw DS(%rdi), %ds
    movw ES(%rdi), %es
    movq 0(%rdi), %rax
    movq 8(%rdi), %rbx
    movq 16(%rdi), %rcx
    movq 24(%rdi), %rdx
    movq 32(%rdi), %rsi
    movq 48(%rdi), %rbp
    movq 64(%rdi), %r8
    movq 72(%rdi), %r9
    movq 80(%rdi), %r10
    movq 88(%rdi), %r11
    movq 96(%rdi), %r12
    movq 104(%rdi), %r13
    movq 112(%rdi), %r14
    movq 120(%rdi), %r15
    movq 40(%rdi), %rdi
    iretq

    .balign 16
    .globl stubs
stubs:
    entry_stubs caught

    .macro save_registers
    movq %rax, after
    movq %rbx, after + 8
    movq %rcx, after + 16
    movq %rdx, after + 24
    movq %rsi, after + 32
    movq %rdi, after + 40
    movq %rbp, after + 48
    movq %r8, after + 64
    movq %r9, after + 72
    movq %r10, after + 80
    movq %r11, after + 88
    movq %r12, after + 96
    movq %r13, after + 104
    movq %r14, after + 112
    movq %r15, after + 120
    .endm

    .balign 16
caught:
    save_registers
    popq after + VECTOR
    popq after + ERROR
    popq after + RIP
    popq after + CS
    popq after + RFLAGS
    popq after + 56
    popq after + SS
    jmp leave

// SYSCALL arrives here on the sequence's stack, and so does SYSENTER.
    .macro land number
    save_registers
    movq %rsp, after + 56
    movq harness_stack, %rsp
    pushfq
    popq after + RFLAGS
    movq $\number, after + VECTOR
    movq $0, after + ERROR
    movq $0, after + RIP
    xorl %eax, %eax
    movw %cs, %ax
    movq %rax, after + CS
    movw %ss, %ax
    movq %rax, after + SS
    .endm
    .globl landing, gate_landing
landing:
    land 256
    jmp leave
gate_landing:
    land 257

leave:
    xorl %eax, %eax
    movw %ds, %ax
    movq %rax, after + DS
    movw %es, %ax
    movq %rax, after + ES
    movw %fs, %ax
    movq %rax, after + FS
    movw %gs, %ax
    movq %rax, after + GS
    movl $16, %eax
    movl %eax, %ss
    movl %eax, %ds
    movl %eax, %es
    movq harness_stack, %rsp
    movq $0, harness_stack
    testq %rsp, %rsp
    jz broken
    pushq $2
    popfq
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    retq

// An exception of this program's own: nothing that follows would mean anything.
broken:
    movq $broken_stack_top, %rsp
    callq harness_broken
1:  hlt
    jmp 1b

    .bss
    .balign 16
                .skip 2048
broken_stack_top:
    .globl after
after:          .skip 208
harness_stack:  .skip 8
