// Entering and leaving a guest of SVM (AMD64 APM volume 2, section 15.5). Inline: the caller keeps what it needs of its
// registers, which costs less on each exit than to save all of them as the calling convention wants it.
#pragma once
#include "instructions.h"
#include "layout.h"


/// Runs the guest of `vmcb` until it exits, and takes the host's task register and segment bases back from `host_state`
/// (both physical addresses). The caller holds GIF clear. The exit brings back RFLAGS, and so the direction flag.
INSTRUCTION void svm_run(guest_registers *registers, uint64_t vmcb, uint64_t host_state) {
    __asm__ volatile(
        "pushq %%rbp\n pushq %%rdx\n pushq %%rdi\n"
        "movq %c[rbx](%%rdi), %%rbx\n movq %c[rcx](%%rdi), %%rcx\n movq %c[rdx](%%rdi), %%rdx\n"
        "movq %c[rsi](%%rdi), %%rsi\n movq %c[rbp](%%rdi), %%rbp\n"
        "movq %c[r8](%%rdi), %%r8\n movq %c[r8]+8(%%rdi), %%r9\n movq %c[r8]+16(%%rdi), %%r10\n"
        "movq %c[r8]+24(%%rdi), %%r11\n movq %c[r8]+32(%%rdi), %%r12\n movq %c[r8]+40(%%rdi), %%r13\n"
        "movq %c[r8]+48(%%rdi), %%r14\n movq %c[r8]+56(%%rdi), %%r15\n movq %c[rdi](%%rdi), %%rdi\n"
        "vmload %%rax\n vmrun %%rax\n vmsave %%rax\n"
        "xchgq %%rdi, (%%rsp)\n"  // the guest's RDI goes to the stack, our pointer comes back
        "movq %%rbx, %c[rbx](%%rdi)\n movq %%rcx, %c[rcx](%%rdi)\n movq %%rdx, %c[rdx](%%rdi)\n"
        "movq %%rsi, %c[rsi](%%rdi)\n movq %%rbp, %c[rbp](%%rdi)\n"
        "movq %%r8, %c[r8](%%rdi)\n movq %%r9, %c[r8]+8(%%rdi)\n movq %%r10, %c[r8]+16(%%rdi)\n"
        "movq %%r11, %c[r8]+24(%%rdi)\n movq %%r12, %c[r8]+32(%%rdi)\n movq %%r13, %c[r8]+40(%%rdi)\n"
        "movq %%r14, %c[r8]+48(%%rdi)\n movq %%r15, %c[r8]+56(%%rdi)\n"
        "popq %c[rdi](%%rdi)\n popq %%rax\n vmload %%rax\n popq %%rbp"
        : "+a"(vmcb), "+D"(registers), "+d"(host_state)
        : [rbx] "i"(GUEST_RBX), [rcx] "i"(GUEST_RCX), [rdx] "i"(GUEST_RDX), [rsi] "i"(GUEST_RSI), [rdi] "i"(GUEST_RDI),
          [rbp] "i"(GUEST_RBP), [r8] "i"(GUEST_R8)
        : "rbx", "rcx", "rsi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory", "cc");
}
