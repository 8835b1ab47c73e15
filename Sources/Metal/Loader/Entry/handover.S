// From the loader to the image: a few instructions in a page of the boot data leave the loader's tables, tell root mode,
// which then takes the loader away, and jump to the image in the state that its boot protocol wants.
#include "layout.h"

    .macro hypercall            // EBP: which of the two instructions
    testl %ebp, %ebp
    jnz 8f
    .byte 0x0F, 0x01, 0xD9      // VMMCALL
    jmp 9f
8:
#ifdef FAULT_INJECTION
    cmpl $1, %ebp
    jne 9f                      // a loader that stays: neither
#endif
    .byte 0x0F, 0x01, 0xC1      // VMCALL
9:
    .endm
    .macro load_data
    movl $0x18, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movl %eax, %fs
    movl %eax, %gs
    .endm
#define AT(label) (GUEST_HANDOVER + (label - handover))

    .text
    .code64
    .globl refuse_image
    .hidden refuse_image
refuse_image:
    movl LOADER_FACTS + FACTS_IS_INTEL, %ebp
    movl %edi, %ebx
    movl $CALL_REFUSED, %eax
    hypercall
    ud2

    .globl enter_guest
    .hidden enter_guest
enter_guest:
    movl %edi, %r11d            // the mode
    movl %ecx, %ebx
    movq %rsi, %rax
    leaq handover(%rip), %rsi
    movl $GUEST_HANDOVER, %edi
    movl $(handover_end - handover), %ecx
    rep movsb
    movq %rax, AT(target)
    movl LOADER_FACTS + FACTS_IS_INTEL, %ebp
    movl %r8d, %esi
    movl $AT(to_long_mode), %eax
    movl $AT(to_protected_mode), %ecx
    testl %r11d, %r11d
    cmovnzl %ecx, %eax
    jmpq *%rax

// EDX, EBX and ESI: what EAX, EBX and ESI are to be. The descriptors are the guest's, whose code segment is of its mode.
handover:
to_long_mode:
    movl $GUEST_TABLES, %eax
    movq %rax, %cr3
    movq %cr0, %rax
    orl $0x20, %eax             // NE
    movq %rax, %cr0
    lgdt AT(descriptors)
    pushq $0x10
    pushq $AT(1f)
    lretq
1:  load_data
    movl $GUEST_STACK, %esp
    movl $CALL_FINISHED, %eax
    hypercall
    movl %edx, %eax
    xorl %ecx, %ecx
    xorl %edx, %edx
    xorl %edi, %edi
    xorl %ebp, %ebp
    .irp register, 8, 9, 10, 11, 12, 13, 14, 15
    xorl %r\register\()d, %r\register\()d
    .endr
    jmpq *target(%rip)

to_protected_mode:
    .irp register, 8, 9, 10, 11, 12, 13, 14, 15
    xorl %r\register\()d, %r\register\()d
    .endr
    lgdt AT(descriptors)
    pushq $0x10
    pushq $AT(1f)
    lretq
    .code32
1:  load_data
    movl %cr0, %eax
    andl $0x7FFFFFFF, %eax      // PG
    movl %eax, %cr0
    movl %edx, %edi
    movl $0xC0000080, %ecx
    xorl %eax, %eax
    xorl %edx, %edx
    wrmsr                       // EFER
    movl %eax, %cr3
    movl %cr4, %eax
    andl $~0x20, %eax           // PAE
    movl %eax, %cr4
    movl $GUEST_STACK, %esp
    movl $CALL_FINISHED, %eax
    hypercall
    movl %edi, %eax
    xorl %ecx, %ecx
    xorl %edx, %edx
    xorl %edi, %edi
    xorl %ebp, %ebp
    jmpl *AT(target)

    .balign 8
target:
    .quad 0
descriptors:
    .word GUEST_GDT_LIMIT
    .quad GUEST_GDT
handover_end:
