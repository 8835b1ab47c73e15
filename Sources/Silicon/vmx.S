// Entering and leaving a guest of VMX (Intel SDM volume 3, sections 26 and 27).
#include "registers.h"

    .macro load_guest
    movq RAX(%rdi), %rax
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
    .endm

    .text
    .globl vmx_run
    .hidden vmx_run
vmx_run:
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    pushq %rdi
    movl $0x6C14, %eax          // the host's RSP
    vmwrite %rsp, %rax
    testl %esi, %esi
    jnz 1f
    load_guest
    .globl vmx_first_entry, vmx_launch, vmx_further_entry, vmx_resume, vmx_kicked
    .hidden vmx_first_entry, vmx_launch, vmx_further_entry, vmx_resume, vmx_kicked
vmx_first_entry:
    cmpb $0, KICKED(%rdi)
    jne vmx_kicked
    movq RDI(%rdi), %rdi
vmx_launch:
    vmlaunch
    jmp 2f
1:  load_guest
vmx_further_entry:
    cmpb $0, KICKED(%rdi)
    jne vmx_kicked
    movq RDI(%rdi), %rdi
vmx_resume:
    vmresume
2:  popq %rdi
    movl $1, %eax
    jmp 3f
vmx_kicked:
    popq %rdi
    movb $0, KICKED(%rdi)
    movl $2, %eax
    jmp 3f
    .globl vmx_exit
    .hidden vmx_exit
vmx_exit:
    xchgq %rdi, (%rsp)          // the guest's RDI goes to the stack, our pointer comes back
    movq %rax, RAX(%rdi)
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
    xorl %eax, %eax
3:  popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    retq
