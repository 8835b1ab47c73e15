// What the assembly files have in common.
#include "layout.h"

// A name that C and Swift know.
    .macro global name
    .globl \name
    .hidden \name
\name:
    .endm

// Runs `move` for all of the guest's registers but RAX, RDI and RSP, with the place of each in guest_registers.
    .macro each_guest_register move
    .set place, GUEST_RBX
    .irp register, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15
    .ifnc \register, rdi
    \move \register
    .endif
    .set place, place + 8
    .endr
    .endm
// RDI points at guest_registers.
    .macro load_guest register
    movq place(%rdi), %\register
    .endm
    .macro save_guest register
    movq %\register, place(%rdi)
    .endm
