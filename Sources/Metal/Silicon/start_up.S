// Where a processor lands on a start-up IPI: real mode, CS = page << 8. Copied to a page below 1 MiB, whose address it works
// out from CS. A processor finds its place among the slots (StartUpSlot) by its APIC id and takes what is there, once; with
// nothing to take it parks, whenever it comes. Machine checks are on from the first mode that can have them (SDM volume 3A,
// section 9.3: without CR4.MCE one of them shuts the machine down), and park the processor.
#include "assembly.h"

    .section .rodata.start_up, "a"
    .code16
    global start_up_code
    cli
    cld
    xorl %ebx, %ebx
    movw %cs, %bx
    movw %bx, %ds
    shll $4, %ebx                               // linear address of this page
    leal (gdt - start_up_code)(%ebx), %eax
    movl %eax, gdt_pointer - start_up_code + 2
    leal (idt - start_up_code)(%ebx), %eax
    movl %eax, idt_pointer - start_up_code + 2
    leal (long_mode - start_up_code)(%ebx), %eax
    movl %eax, far_long - start_up_code
    movw %bx, gdt - start_up_code + 0x08 + 2    // the 32-bit code segment begins with this page
    movl %ebx, %eax
    shrl $16, %eax
    movb %al, gdt - start_up_code + 0x08 + 4
    lgdtl gdt_pointer - start_up_code
    lidtl idt_pointer - start_up_code
    movl $0x11, %eax
    movl %eax, %cr0
    ljmpl $0x08, $(protected - start_up_code)
    .code32
protected:
    wbinvd                                      // what firmware wrote: before anybody clears memory under a key
    movw $DATA_SELECTOR, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    leal (parked_stack - start_up_code)(%ebx), %esp
    movl $0x60, %eax                            // PAE, MCE
    movl %eax, %cr4
    movl $0x1B, %ecx                            // APIC_BASE: x2APIC, by way of xAPIC
    rdmsr
    orl $0x800, %eax
    wrmsr
    orl $0x400, %eax
    wrmsr
    movl $0x802, %ecx                           // the APIC id
    rdmsr
    leal (slots - start_up_code)(%ebx), %esi
    movl $START_UP_SLOTS, %ecx
1:  cmpl %eax, (%esi)
    je 2f
    addl $8, %esi
    loop 1b
    jmp park
2:  xorl %edi, %edi
    xchgl %edi, 4(%esi)
    cmpl $1, %edi
    jbe park
    movl (CORE_HEADER_AT + CORE_CR3)(%edi), %eax
    movl %eax, %cr3
    movl $0xC0000080, %ecx
    rdmsr
    orl $0x900, %eax                            // LME, NXE
    wrmsr
    movl $0x80000033, %eax                      // PG, NE, ET, MP, PE; WP when its constants are written (PrepareCore.swift)
    movl %eax, %cr0
    ljmpl *(far_long - start_up_code)(%ebx)
// Also where every exception before long mode ends. Parked processors push onto one stack what none of them reads.
park:
    leal (parked_stack - start_up_code)(%ebx), %esp
    xorl %eax, %eax
    xorl %edx, %edx
    movl $0x17A, %ecx                           // MCG_STATUS: the next machine check may come
    wrmsr
1:  hlt
    jmp 1b
    .code64
long_mode:
    movl %ebx, %ebx
    movl %edi, %edi
    leaq CORE_SIZE(%rdi), %rsp
    xorl %ebp, %ebp
    pushq $0
    jmpq *(core_entry - start_up_code)(%rbx)
    .balign 16
gdt:
    .quad 0
    .quad 0x00CF9B000000FFFF    // 08h: 32-bit code
    .quad 0x00AF9B000000FFFF    // 10h: 64-bit code
    .quad 0x00CF93000000FFFF    // 18h: data
idt:
    .rept 32
    .word park - start_up_code, 0x08, 0x8E00, 0
    .endr
gdt_pointer:
    .word idt - gdt - 1
    .long 0
idt_pointer:
    .word gdt_pointer - idt - 1
    .long 0
    .balign 4
far_long:
    .long 0
    .word CODE_SELECTOR
    .balign 8
core_entry:
    .quad core_main
    .space 16
parked_stack:
    .org START_UP_SLOTS_AT
slots:
    .space START_UP_SLOTS * 8
    global start_up_code_end
