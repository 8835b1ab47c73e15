// Where a processor lands on a start-up IPI: real mode, CS = page << 8. Copied below 1 MiB; position-independent by
// way of the base address that it works out from CS. Its last bytes are start_up_parameters.
#include "layout.h"

    .section .rodata.start_up, "a"
    .globl start_up_code
    .hidden start_up_code
    .globl start_up_code_end
    .hidden start_up_code_end
    .code16
start_up_code:
    cli
    cld
    xorl %ebx, %ebx
    movw %cs, %bx
    movw %bx, %ds
    shll $4, %ebx                               // linear address of this page
    leal (gdt - start_up_code)(%ebx), %eax
    movl %eax, gdt_pointer - start_up_code + 2
    leal (protected - start_up_code)(%ebx), %eax
    movl %eax, far_protected - start_up_code
    leal (long_mode - start_up_code)(%ebx), %eax
    movl %eax, far_long - start_up_code
    lgdtl gdt_pointer - start_up_code
    movl $0x11, %eax
    movl %eax, %cr0
    ljmpl *(far_protected - start_up_code)
    .code32
protected:
    movw $DATA_SELECTOR, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movl $0x20, %eax                            // PAE
    movl %eax, %cr4
    movl (parameters - start_up_code + START_UP_CR3)(%ebx), %eax
    movl %eax, %cr3
    movl $0xC0000080, %ecx
    rdmsr
    orl $0x900, %eax                            // LME, NXE
    wrmsr
    movl $0x80010033, %eax                      // PG, WP, NE, ET, MP, PE
    movl %eax, %cr0
    ljmpl *(far_long - start_up_code)(%ebx)
    .code64
long_mode:
    movl %ebx, %ebx
    movq (parameters - start_up_code + START_UP_STACK)(%rbx), %rsp
    movq (parameters - start_up_code + START_UP_ARGUMENT)(%rbx), %rdi
    movq (parameters - start_up_code + START_UP_ENTRY)(%rbx), %rax
    xorl %ebp, %ebp
    pushq $0
    jmpq *%rax
    .balign 16
gdt:
    .quad 0
    .quad 0x00CF9B000000FFFF    // 08h: 32-bit code
    .quad 0x00AF9B000000FFFF    // 10h: 64-bit code
    .quad 0x00CF93000000FFFF    // 18h: data
gdt_pointer:
    .word gdt_pointer - gdt - 1
    .long 0
    .balign 4
far_protected:
    .long 0
    .word 0x08
    .balign 4
far_long:
    .long 0
    .word CODE_SELECTOR
    .balign 8
parameters:
    .quad 0, 0, 0, 0
start_up_code_end:
