// What both world switches do to the registers.
#include "layout.h"

// What the C calling convention wants back.
    .macro enter_switch
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    .endm
    .macro leave_switch
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    .endm

// All of the guest's registers but RAX, RDI and RSP; RDI points at guest_registers.
    .macro load_guest
    movq GUEST_RBX(%rdi), %rbx
    movq GUEST_RCX(%rdi), %rcx
    movq GUEST_RDX(%rdi), %rdx
    movq GUEST_RSI(%rdi), %rsi
    movq GUEST_RBP(%rdi), %rbp
    movq GUEST_R8(%rdi), %r8
    movq GUEST_R8+8(%rdi), %r9
    movq GUEST_R8+16(%rdi), %r10
    movq GUEST_R8+24(%rdi), %r11
    movq GUEST_R8+32(%rdi), %r12
    movq GUEST_R8+40(%rdi), %r13
    movq GUEST_R8+48(%rdi), %r14
    movq GUEST_R8+56(%rdi), %r15
    .endm
    .macro save_guest
    movq %rbx, GUEST_RBX(%rdi)
    movq %rcx, GUEST_RCX(%rdi)
    movq %rdx, GUEST_RDX(%rdi)
    movq %rsi, GUEST_RSI(%rdi)
    movq %rbp, GUEST_RBP(%rdi)
    movq %r8, GUEST_R8(%rdi)
    movq %r9, GUEST_R8+8(%rdi)
    movq %r10, GUEST_R8+16(%rdi)
    movq %r11, GUEST_R8+24(%rdi)
    movq %r12, GUEST_R8+32(%rdi)
    movq %r13, GUEST_R8+40(%rdi)
    movq %r14, GUEST_R8+48(%rdi)
    movq %r15, GUEST_R8+56(%rdi)
    .endm
