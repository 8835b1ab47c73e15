// Offsets in guest_registers, and what follows it in CoreState.
#define RBX 0
#define RCX 8
#define RDX 16
#define RSI 24
#define RDI 32
#define RBP 40
#define R8 48
#define RAX 112
#define KICKED 120
#define MAGIC 128
#define CORE_MAGIC 0x6C754B6845614421

#ifdef __ASSEMBLER__
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
    .macro save_guest
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
    .endm
#endif
