// Entering and leaving a guest of SVM (AMD64 APM volume 2, section 15.5).
#include "registers.h"

    .text
    .globl svm_run
    .hidden svm_run
svm_run:
    enter_switch
    pushq %rdx
    pushq %rdi
    movq %rsi, %rax
    load_guest
    movq GUEST_RDI(%rdi), %rdi
    vmload %rax
    vmrun %rax
    vmsave %rax
    xchgq %rdi, (%rsp)          // the guest's RDI goes to the stack, our pointer comes back
    save_guest
    popq GUEST_RDI(%rdi)
    popq %rax
    vmload %rax
    leave_switch
    cld
    retq
