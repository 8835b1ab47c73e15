// All general registers, the stack pointer included, then sleep: RDI points at the secret's four words.
    .text
    .globl hold_secret
hold_secret:
    cli
    movq 0(%rdi), %rax
    movq 8(%rdi), %rbx
    movq 16(%rdi), %rcx
    movq 24(%rdi), %rdx
    movq %rax, %r8
    movq %rbx, %r9
    movq %rcx, %r10
    movq %rdx, %r11
    movq %rax, %r12
    movq %rbx, %r13
    movq %rcx, %r14
    movq %rdx, %r15
    movq %rax, %rsi
    movq %rbx, %rdi
    movq %rcx, %rbp
    movq %rdx, %rsp
1:  hlt
    jmp 1b
