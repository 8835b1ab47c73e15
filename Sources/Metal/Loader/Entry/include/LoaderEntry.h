// What the loader cannot express in Swift.
#pragma once
#include <stdint.h>

/// Leaves the loader for the image: `mode` 0 is 64-bit mode, 1 is 32-bit protected mode without paging. The other registers
/// are zero but for RSP, which is the end of the guest's first stack.
void enter_guest(uint32_t mode, uint64_t rip, uint32_t eax, uint32_t ebx, uint32_t esi) __attribute__((noreturn));
static inline void loader_out(uint16_t port, uint32_t value) {
    __asm__ volatile("outl %0, %1" ::"a"(value), "d"(port) : "memory");
}
static inline uint32_t loader_in(uint16_t port) {
    uint32_t value;
    __asm__ volatile("inl %1, %0" : "=a"(value) : "d"(port) : "memory");
    return value;
}
/// CPUID 1, ECX.
static inline uint32_t loader_features(void) {
    uint32_t eax = 1, ecx = 0;
    __asm__ volatile("cpuid" : "+a"(eax), "+c"(ecx)::"ebx", "edx");
    return ecx;
}
/// Tells root mode why the image does not start.
void refuse_image(uint32_t reason) __attribute__((noreturn));
