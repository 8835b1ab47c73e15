// Entering and leaving a guest of SVM (AMD64 APM volume 2, section 15.5).
#include "registers.h"

    .text
    .globl svm_run
    .hidden svm_run
svm_run:
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    pushq %rdx
    pushq %rdi
    movq %rsi, %rax
    movq RBX(%rdi), %rbx
    movq RCX(%rdi), %rcx
    movq RDX(%rdi), %rdx
    movq RSI(%rdi), %rsi
    movq RBP(%rdi), %rbp
    movq R8(%rdi), %r8
    movq R8+8(%rdi), %r9
    movq R8+16(%rdi), %r10
    movq R8+24(%rdi), %r11
    movq R8+32(%rdi), %r12
    movq R8+40(%rdi), %r13
    movq R8+48(%rdi), %r14
    movq R8+56(%rdi), %r15
    movq RDI(%rdi), %rdi
    vmload %rax
    vmrun %rax
    vmsave %rax
    xchgq %rdi, (%rsp)          // the guest's RDI goes to the stack, our pointer comes back
    movq %rbx, RBX(%rdi)
    movq %rcx, RCX(%rdi)
    movq %rdx, RDX(%rdi)
    movq %rsi, RSI(%rdi)
    movq %rbp, RBP(%rdi)
    movq %r8, R8(%rdi)
    movq %r9, R8+8(%rdi)
    movq %r10, R8+16(%rdi)
    movq %r11, R8+24(%rdi)
    movq %r12, R8+32(%rdi)
    movq %r13, R8+40(%rdi)
    movq %r14, R8+48(%rdi)
    movq %r15, R8+56(%rdi)
    popq RDI(%rdi)
    popq %rax
    vmload %rax
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    cld
    retq
