// Moving a core to other tables and stacks, and clearing what a guest left in its registers.
#include "assembly.h"

    .text
    global core_enter
    movq %rsi, %rsp             // mapped in both, so that an NMI in between finds a stack
    movq %rdi, %cr3
    movq %rdx, %rdi
    xorl %ebp, %ebp
    pushq $0
    jmp *%rcx

// call_on_stack(stack, argument, function): calls function(argument) on another stack and comes back.
    global call_on_stack
    pushq %rbp
    movq %rsp, %rbp
    movq %rdi, %rsp
    movq %rsi, %rdi
    callq *%rdx
    movq %rbp, %rsp
    popq %rbp
    retq

    global core_restart
    movq %rdi, %rsp
    movq %rsi, %rdi
    xorl %ebp, %ebp
    pushq $0
    jmp *%rdx

// Zeroes the stack from RDI up to the return address, and the registers that a caller does not want back. An exception in
// between finds its frame below RSP and is through with it before the zeroes come there.
    global clear_stack
    movq %rsp, %rcx
    subq %rdi, %rcx
    shrq $3, %rcx
    xorl %eax, %eax
    rep stosq
    .irp register, edx, esi, edi, r8d, r9d, r10d, r11d
    xorl %\register, %\register
    .endr
    retq

// XRSTOR with an empty XSTATE_BV puts every component that XCR0 enables in its initial state (APM volume 4, XRSTOR).
    global clear_vector_state
    pushq %rbp
    movq %rsp, %rbp
    subq $640, %rsp
    andq $-64, %rsp
    movq %rsp, %rdi
    movl $80, %ecx
    xorl %eax, %eax
    rep stosq
    movl $0x1F80, 24(%rsp)
    movq %cr4, %rcx
    btl $18, %ecx
    jnc 1f
    movl $-1, %eax
    movl $-1, %edx
    xrstor (%rsp)
    jmp 2f
1:  movw $0x37F, (%rsp)
    fxrstor (%rsp)
2:  leave
    retq
