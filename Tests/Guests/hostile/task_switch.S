// A task switch by hardware, which only exists outside of long mode: from 32-bit code without paging, by a far jump to a
// task state segment. Copied to 9000h.
    .text
    .equ BASE, 0x9000
    .globl task_switch_begin, task_switch_end
task_switch_begin:
    cli
    pushq $0x18
    pushq $BASE + (task_32 - task_switch_begin)
    lretq
    .code32
task_32:
    movl %cr0, %eax
    andl $0x7FFFFFFF, %eax
    movl %eax, %cr0
    movl $0xC0000080, %ecx
    xorl %eax, %eax
    xorl %edx, %edx
    wrmsr
    lgdtl BASE + (task_table - task_switch_begin)
    movl $0x10, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movl $BASE + 0x800, %esp
    movl $0x18, %eax
    ltr %ax
    lcall $0x20, $0
    // The new task comes back by IRET; then the guest asks to be reset.
    movb $6, %al
    movl $0xCF9, %edx
    outb %al, %dx
1:  hlt
    jmp 1b
task_new:
    iretl
    jmp task_new
    .balign 8
task_gdt:
    .quad 0
    .quad 0x00CF9B000000FFFF        // 08h: code
    .quad 0x00CF93000000FFFF        // 10h: data
    .quad 0x0000890000000067 + ((BASE + 0x400) << 16)   // 18h: the first task
    .quad 0x0000890000000067 + ((BASE + 0x500) << 16)   // 20h: the second
task_gdt_end:
task_table:
    .word task_gdt_end - task_gdt - 1
    .long BASE + (task_gdt - task_switch_begin)
    .org task_switch_begin + 0x400
    .fill 0x100, 1, 0
    .org task_switch_begin + 0x500
    .fill 0x1C, 1, 0
    .long 0                         // CR3
    .long BASE + (task_new - task_switch_begin)
    .long 2                         // EFLAGS
    .fill 16, 1, 0                  // EAX, ECX, EDX, EBX
    .long BASE + 0x700, BASE + 0x700, 0, 0
    .long 0x10, 0x08, 0x10, 0x10, 0x10, 0x10
    .long 0
    .word 0, 0x68
task_switch_end:
