// A 32-bit program whose system call is its processor's first: it takes processor 1 off and on, binds itself to it by INT 80h, and
// asks for its number by the vDSO's entry, which is SYSCALL on AMD's processors. It prints whether both say the same.
.text
.globl _start
_start:
    movl %esp, %esi
    movl (%esi), %ecx
    leal 8(%esi,%ecx,4), %esi
environment:
    lodsl
    testl %eax, %eax
    jnz environment
vector:                         // AT_SYSINFO is 32
    lodsl
    movl %eax, %edx
    lodsl
    testl %edx, %edx
    jz wrong
    cmpl $32, %edx
    jne vector
    movl %eax, %edi

    movl $5, %eax               // open
    movl $online, %ebx
    movl $1, %ecx
    int $0x80
    movl %eax, %ebx
    movl $values, %ecx
    movl $2, %ebp
switch:
    movl $4, %eax               // write
    movl $1, %edx
    int $0x80
    cmpl $1, %eax
    jne wrong
    incl %ecx
    decl %ebp
    jnz switch

    movl $241, %eax             // sched_setaffinity
    xorl %ebx, %ebx
    movl $4, %ecx
    movl $mask, %edx
    int $0x80
    testl %eax, %eax
    js wrong
    movl $20, %eax              // getpid
    int $0x80
    movl %eax, %esi
    movl $20, %eax
    call *%edi
    cmpl %eax, %esi
    jne wrong
    movl $right, %ecx
    jmp say
wrong:
    movl $other, %ecx
say:
    movl $4, %eax               // write
    movl $1, %ebx
    movl $12, %edx
    int $0x80
    movl $1, %eax               // exit
    xorl %ebx, %ebx
    int $0x80

.data
online: .asciz "/sys/devices/system/cpu/cpu1/online"
values: .ascii "01"
.balign 4
mask: .long 2
right: .ascii "@call32 yes\n"
other: .ascii "@call32 no \n"
