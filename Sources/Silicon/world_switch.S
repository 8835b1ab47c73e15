// Entering and leaving a guest (AMD64 APM volume 2, section 15.5), and sleeping without missing a doorbell.
#define RBX 0
#define RCX 8
#define RDX 16
#define RSI 24
#define RDI 32
#define RBP 40
#define R8 48

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

// Sleeps until an NMI. One that is pending when GIF is set, or that comes before the HLT, must not be slept over: the
// NMI stub moves an interrupted RIP at idle_sleep to idle_awake.
    .globl core_idle
    .hidden core_idle
core_idle:
    stgi
idle_sleep:
    hlt
idle_awake:
    clgi
    retq

    .globl nmi_stub
    .hidden nmi_stub
nmi_stub:
    pushq %rax
    pushq %rcx
    leaq idle_sleep(%rip), %rax
    cmpq %rax, 16(%rsp)
    jne 1f
    leaq idle_awake(%rip), %rax
    movq %rax, 16(%rsp)
1:  popq %rcx
    popq %rax
    iretq

    .globl core_enter
    .hidden core_enter
core_enter:
    movq %rsi, %rsp             // mapped in both, so that an NMI in between finds a stack
    movq %rdi, %cr3
    movq %rdx, %rdi
    xorl %ebp, %ebp
    pushq $0
    jmp *%rcx

    .globl core_restart
    .hidden core_restart
core_restart:
    movq %rdi, %rsp
    movq %rsi, %rdi
    xorl %ebp, %ebp
    pushq $0
    jmp *%rdx

// XRSTOR with an empty XSTATE_BV puts every component that XCR0 enables in its initial state (APM volume 4, XRSTOR).
    .globl clear_vector_state
    .hidden clear_vector_state
clear_vector_state:
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
