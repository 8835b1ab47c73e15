// From 64-bit mode back to real mode and through the reset vector at F000:FFF0. Copied to 9000h.
    .text
    .equ BASE, 0x9000
    .globl real_mode_begin, real_mode_end
real_mode_begin:
    cli
    pushq $0x18
    pushq $BASE + (real_32 - real_mode_begin)
    lretq
    .code32
real_32:
    movl %cr0, %eax
    andl $0x7FFFFFFF, %eax
    movl %eax, %cr0
    movl $0xC0000080, %ecx
    xorl %eax, %eax
    xorl %edx, %edx
    wrmsr
    ljmp $0x20, $BASE + (real_16 - real_mode_begin)
    .code16
real_16:
    movw $0x28, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    lidtl BASE + (real_table - real_mode_begin)
    movl %cr0, %eax
    andl $0xFFFFFFFE, %eax
    movl %eax, %cr0
    ljmp $0xF000, $0xFFF0
real_table:
    .word 0x3FF
    .long 0
real_mode_end:
