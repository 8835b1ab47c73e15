// The first instructions of a call to the device model, in long mode; nothing of the last call is in registers. The stack is
// of whoever holds the partition's lock.
#include "layout.h"

    .section .text.model_entry, "ax"
    .globl model_entry
model_entry:
    movabsq $MODEL_END, %rsp
    xorl %ebp, %ebp
    callq model_serve
    .globl model_return
    .hidden model_return
model_return:
    movabsq $MODEL_PAGE, %rax
    cmpb $0, (%rax)             // isIntel
    jne 1f
    .byte 0x0F, 0x01, 0xD9      // VMMCALL
    jmp model_entry
1:  .byte 0x0F, 0x01, 0xC1      // VMCALL
    jmp model_entry

// SwiftPM asks the linker for this name in executables; nothing calls it.
    .globl Model_main
Model_main:
    ud2
