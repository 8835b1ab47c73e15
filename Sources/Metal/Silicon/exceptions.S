// One stub per vector. Exceptions end in hypervisor_fault, which comes back from machine checks alone; interrupts (16 and
// up) are acknowledged and dropped.
#include "assembly.h"

    .text
common:
    .irp register, r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax
    pushq %\register
    .endr
    cld
    movq %rsp, %rdi
    movq %rsp, %rbx
    andq $-16, %rsp
    callq hypervisor_fault
    movq %rbx, %rsp
    movq 136(%rsp), %rax
    callq redirect
    movq %rax, 136(%rsp)
    .irp register, rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15
    popq %\register
    .endr
    addq $16, %rsp
    iretq

interrupt:
    pushq %rax
    pushq %rcx
    pushq %rdx
    xorl %eax, %eax
    xorl %edx, %edx
    movl $MSR_X2APIC_EOI, %ecx
    wrmsr
    popq %rdx
    popq %rcx
    popq %rax
    iretq

    .altmacro
    .macro stub vector
stub_\vector:
    .if \vector == 8 || (\vector >= 10 && \vector <= 14) || \vector == 17 || \vector == 21 || \vector == 29 || \vector == 30
    .else
    pushq $0
    .endif
    pushq $\vector
    jmp common
    .endm
    .macro entry vector
    .quad stub_\vector
    .endm

    .set i, 0
    .rept 16
    stub %i
    .set i, i + 1
    .endr

    stub 18

    .section .data.rel.ro, "aw"
    .balign 8
    global exception_stubs
    .quad stub_0
    .quad stub_1
    .quad nmi_stub
    .set i, 3
    .rept 13
    entry %i
    .set i, i + 1
    .endr
    // Vectors from 16 up can be a guest's interrupts that are still pending when its core is cleared. The exceptions among
    // them do not happen in root mode (no x87 or SSE errors, no alignment checks, CR4.CET clear), but for machine checks.
    .quad interrupt, interrupt, stub_18
    .rept 237
    .quad interrupt
    .endr

    .text
    global load_segments
    pushq %rdi
    pushw %si
    lgdt (%rsp)
    addq $10, %rsp
    movl $DATA_SELECTOR, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    xorl %eax, %eax
    movl %eax, %fs
    movl %eax, %gs
    popq %rax
    pushq $CODE_SELECTOR
    pushq %rax
    lretq
