// A kick is an NMI to a core that runs a guest or is halted. None may be lost between the look at what is pending and the
// instruction that enters the guest or halts: the stub notes that one came, and redirects code in between to its way out.
#include "assembly.h"

    .text
// SVM: global interrupts are disabled everywhere else, so that an NMI comes at the HLT or at the instruction before it.
// With RDI not zero the core's own timer ends the sleep too. Interrupts are off until the HLT has begun (the shadow of STI): none
// is taken between, whose handler could take a kick with it.
    global svm_idle
    stgi
svm_before_halt:
    testl %edi, %edi
    jz svm_halt
    sti
svm_halt:
    hlt
svm_resumed:
    cli
    clgi
    retq

// VMX: NMIs come at any time, but are blocked from an exit by NMI until IRET (SDM volume 3, section 6.7.1).
    global vmx_idle
    callq unblock_nmi
vmx_before_halt:
    cmpb $0, GUEST_KICKED(%rdi)
    jne vmx_resumed
    testl %esi, %esi
    jz vmx_halt
    sti
vmx_halt:
    hlt
vmx_resumed:
    cli
    movb $0, GUEST_KICKED(%rdi)
    retq

    global unblock_nmi
    movq %rsp, %rax
    pushq $DATA_SELECTOR
    pushq %rax
    pushfq
    pushq $CODE_SELECTOR
    leaq 1f(%rip), %rax
    pushq %rax
    iretq
1:  retq

    global nmi_stub
    pushq %rax
    pushq %rcx
    // The core's state, if it has one by now, ends where the page of its segment descriptors begins.
    subq $16, %rsp
    sgdt (%rsp)
    movq 2(%rsp), %rax
    addq $16, %rsp
    andq $-4096, %rax
    movabsq $CORE_MAGIC, %rcx
    cmpq %rcx, (%rax)
    jne 1f
    movb $1, (GUEST_KICKED - CORE_MAGIC_AT)(%rax)
1:  movq 16(%rsp), %rax
    .macro redirect first, last, out
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
    redirect svm_before_halt, svm_halt, svm_resumed
    redirect vmx_before_halt, vmx_resumed, vmx_resumed
    redirect vmx_first_entry, vmx_launch, vmx_kicked
    redirect vmx_further_entry, vmx_resume, vmx_kicked
    popq %rcx
    popq %rax
    iretq
