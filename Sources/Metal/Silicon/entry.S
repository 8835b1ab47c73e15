// The UEFI entry point (Microsoft calling convention: RCX image handle, RDX system table): applies the image's own
// relocations, then calls the Swift entry in the System V convention.
#include "assembly.h"

    .section .text.entry, "ax"
    global image_entry
    pushq %rdi
    pushq %rsi
    subq $8, %rsp
    leaq image_base(%rip), %rax
    leaq relocations_start(%rip), %r8
    leaq relocations_end(%rip), %r9
1:  cmpq %r9, %r8
    jae 2f
    cmpl $8, 8(%r8)             // R_X86_64_RELATIVE
    jne 3f
    movq (%r8), %r10
    movq 16(%r8), %r11
    addq %rax, %r11
    movq %r11, (%rax,%r10)
3:  addq $24, %r8
    jmp 1b
2:  movq %rcx, %rdi
    movq %rdx, %rsi
    callq hypervisor_main
    addq $8, %rsp
    popq %rsi
    popq %rdi
    retq

// SwiftPM asks the linker for this name in executables; nothing calls it.
    .globl Hypervisor_main
Hypervisor_main:
    ud2
