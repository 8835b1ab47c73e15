// A program whose return from a system call is its processor's first: it takes processor 1 off and on, binds itself to it, and comes
// back there. It prints whether it did.
.text
.globl _start
_start:
    movl $2, %eax               // open
    leaq online(%rip), %rdi
    movl $1, %esi
    syscall
    movl %eax, %ebx
    leaq values(%rip), %r12
    movl $2, %ebp
switch:
    movl $1, %eax               // write
    movl %ebx, %edi
    movq %r12, %rsi
    movl $1, %edx
    syscall
    cmpq $1, %rax
    jne wrong
    incq %r12
    decl %ebp
    jnz switch

    movl $203, %eax             // sched_setaffinity
    xorl %edi, %edi
    movl $8, %esi
    leaq mask(%rip), %rdx
    syscall
    testq %rax, %rax
    js wrong
    leaq right(%rip), %rsi
    jmp say
wrong:
    leaq other(%rip), %rsi
say:
    movl $1, %eax               // write
    movl $1, %edi
    movl $12, %edx
    syscall
    movl $60, %eax              // exit
    xorl %edi, %edi
    syscall

.data
online: .asciz "/sys/devices/system/cpu/cpu1/online"
values: .ascii "01"
.balign 8
mask: .quad 2
right: .ascii "@call64 yes\n"
other: .ascii "@call64 no \n"
