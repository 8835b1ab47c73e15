// NMIs ring a core that runs a guest or sleeps. Nowhere between "nothing is due" and the instruction that enters the guest
// or sleeps may one go by unnoticed: the stub notes that it came and leads such a stretch to its way out.
#include "registers.h"

    .text
// SVM: global interrupts are held but here, so that an NMI comes at the HLT or at the instruction before it.
    .globl svm_idle
    .hidden svm_idle
svm_idle:
    stgi
svm_sleep:
    hlt
svm_awake:
    clgi
    retq

// VMX: NMIs come at any time, but are blocked from an exit by NMI until IRET (SDM volume 3, section 6.7.1).
    .globl vmx_idle
    .hidden vmx_idle
vmx_idle:
    callq unblock_nmi
vmx_sleep:
    cmpb $0, KICKED(%rdi)
    jne vmx_awake
    hlt
vmx_awake:
    movb $0, KICKED(%rdi)
    retq

    .globl unblock_nmi
    .hidden unblock_nmi
unblock_nmi:
    movq %rsp, %rax
    pushq $0x18
    pushq %rax
    pushfq
    pushq $0x10
    leaq 1f(%rip), %rax
    pushq %rax
    iretq
1:  retq

    .globl nmi_stub
    .hidden nmi_stub
nmi_stub:
    pushq %rax
    pushq %rcx
    // The core's state, if it has one by now, lies in the page of its segment descriptors.
    subq $16, %rsp
    sgdt (%rsp)
    movq 2(%rsp), %rax
    addq $16, %rsp
    andq $-4096, %rax
    movabsq $CORE_MAGIC, %rcx
    cmpq %rcx, MAGIC(%rax)
    jne 1f
    movb $1, KICKED(%rax)
1:  movq 16(%rsp), %rax
    .macro lead first, last, out
    leaq \first(%rip), %rcx
    cmpq %rcx, %rax
    jb 2f
    leaq \last(%rip), %rcx
    cmpq %rcx, %rax
    ja 2f
    leaq \out(%rip), %rcx
    movq %rcx, 16(%rsp)
2:
    .endm
    lead svm_sleep, svm_sleep, svm_awake
    lead vmx_sleep, vmx_awake, vmx_awake
    lead vmx_first_entry, vmx_launch, vmx_kicked
    lead vmx_further_entry, vmx_resume, vmx_kicked
    popq %rcx
    popq %rax
    iretq
