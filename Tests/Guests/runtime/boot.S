// From the loader's 32-bit entry (PVH: EBX = hvm_start_info; multiboot 1: EAX = 2BADB002h, EBX = its information) to C
// in 64-bit mode, on a fixed identity map of the first 4 GiB.
    .section .text.boot, "ax"
    .code32
    .globl boot_entry
boot_entry:
    cli
    cld
    movl %eax, boot_magic
    movl %ebx, boot_information
    movl %ecx, boot_registers       // what the platform left in the others
    movl %edx, boot_registers + 8
    movl %esi, boot_registers + 16
    movl %edi, boot_registers + 24
    movl %ebp, boot_registers + 32
    movl %esp, boot_registers + 40
    movl $boot_stack_top, %esp
    movl $0x20, %eax                // CR4.PAE
    movl %eax, %cr4
    movl $page_map, %eax
    movl %eax, %cr3
    movl $0xC0000080, %ecx          // EFER.LME
    rdmsr
    orl $0x100, %eax
    wrmsr
    movl $0x80010033, %eax          // PG, WP, NE, ET, MP, PE
    movl %eax, %cr0
    lgdt gdt_pointer
    ljmp $8, $boot_long

    .code64
boot_long:
    movq %r8, boot_registers + 48
    movq %r9, boot_registers + 56
    movq %r10, boot_registers + 64
    movq %r11, boot_registers + 72
    movq %r12, boot_registers + 80
    movq %r13, boot_registers + 88
    movq %r14, boot_registers + 96
    movq %r15, boot_registers + 104
    movl $16, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    xorl %eax, %eax
    movl %eax, %fs
    movl %eax, %gs
    movq $boot_stack_top, %rsp
    xorl %ebp, %ebp
    callq runtime_start
1:  cli
    hlt
    jmp 1b

// What a further vCPU runs first: copied to AP_PAGE, entered in real mode with CS = AP_PAGE >> 4.
    .equ AP_PAGE, 0x8000
    .code16
    .globl ap_begin, ap_end
ap_begin:
    cli
    cld
    xorw %ax, %ax
    movw %ax, %ds
    lgdtl AP_PAGE + (ap_gdt_pointer - ap_begin)
    movl $0x20, %eax
    movl %eax, %cr4
    movl $page_map, %eax
    movl %eax, %cr3
    movl $0xC0000080, %ecx
    rdmsr
    orl $0x100, %eax
    wrmsr
    movl $0x80010033, %eax
    movl %eax, %cr0
    ljmpl $8, $ap_long
ap_gdt_pointer:
    .word gdt_end - gdt - 1
    .long gdt
ap_end:

    .code64
ap_long:
    movl $16, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movl $1, %edi
    lock xaddl %edi, ap_next        // 1, 2, ...: the vCPU's index
    cmpl $8, %edi                   // PROCESSORS_MAX
    jae 2f
    movl %edi, %eax
    incl %eax
    shll $14, %eax
    leaq ap_stacks(%rax), %rsp
    callq ap_start
2:  cli
    hlt
    jmp 2b

    .data
    .balign 4
    .globl boot_magic, boot_information, boot_registers, ap_next
boot_magic:         .long 0
boot_information:   .long 0
ap_next:            .long 1
    .balign 8
boot_registers:     .fill 14, 8, 0

// Null, 64-bit code, data, 32-bit code (for the way back to real mode), 16-bit code, 16-bit data, then one 64-bit TSS
// descriptor for each vCPU.
    .balign 16
    .globl gdt, gdt_end, gdt_pointer
gdt:
    .quad 0
    .quad 0x00209B0000000000
    .quad 0x00CF93000000FFFF
    .quad 0x00CF9B000000FFFF
    .quad 0x00009B000000FFFF
    .quad 0x000093000000FFFF
    .fill 16, 8, 0
gdt_end:
gdt_pointer:
    .word gdt_end - gdt - 1
    .quad gdt

// Present, writable; the leaves are 2 MiB pages.
    .balign 4096
    .globl page_map
page_map:
    .quad page_pointers + 3
    .fill 511, 8, 0
page_pointers:
    .quad page_directories + 0x0003, page_directories + 0x1003
    .quad page_directories + 0x2003, page_directories + 0x3003
    .fill 508, 8, 0
page_directories:
    .set leaf, 0x83
    .rept 2048
    .quad leaf
    .set leaf, leaf + 0x200000
    .endr

    .bss
    .balign 16
boot_stack:     .skip 32768
boot_stack_top:
    .globl ap_stacks
ap_stacks:      .skip 8 << 14
