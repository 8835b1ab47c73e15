// Entering and leaving a guest of VMX (Intel SDM volume 3, sections 26 and 27).
#include "assembly.h"

    .text
    global vmx_run
    // What the C calling convention wants back.
    .irp register, rbx, rbp, r12, r13, r14, r15
    pushq %\register
    .endr
    pushq %rdi
    movl $VMCS_HOST_RSP, %eax          // the host's RSP
    vmwrite %rsp, %rax
    testl %esi, %esi
    movq GUEST_RAX(%rdi), %rax
    jnz 1f
    each_guest_register load_guest
    .globl vmx_first_entry, vmx_launch, vmx_further_entry, vmx_resume, vmx_kicked
    .hidden vmx_first_entry, vmx_launch, vmx_further_entry, vmx_resume, vmx_kicked
vmx_first_entry:
    cmpb $0, GUEST_KICKED(%rdi)
    jne vmx_kicked
    movq GUEST_RDI(%rdi), %rdi
vmx_launch:
    vmlaunch
    jmp 2f
1:  each_guest_register load_guest
vmx_further_entry:
    cmpb $0, GUEST_KICKED(%rdi)
    jne vmx_kicked
    movq GUEST_RDI(%rdi), %rdi
vmx_resume:
    vmresume
2:  popq %rdi
    movl $1, %eax
    jmp 3f
vmx_kicked:
    popq %rdi
    movb $0, GUEST_KICKED(%rdi)
    movl $2, %eax
    jmp 3f
    global vmx_exit
    xchgq %rdi, (%rsp)          // the guest's RDI goes to the stack, our pointer comes back
    movq %rax, GUEST_RAX(%rdi)
    each_guest_register save_guest
    popq GUEST_RDI(%rdi)
    xorl %eax, %eax
3:  .irp register, r15, r14, r13, r12, rbp, rbx
    popq %\register
    .endr
    retq
