// What the device model needs of the processor.
#pragma once
#include <stdint.h>

static inline uint64_t model_time(void) {
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high)::"memory");
    return (uint64_t)high << 32 | low;
}

/// RDRAND, as often as the manual says (SDM volume 1, section 7.3.17.1). Only where the loader has found that there is one: elsewhere
/// no end has a key, and nothing is drawn.
/// - Returns: whether there is a number.
static inline int model_random(uint64_t *value) {
    for (int i = 0; i < 10; i++) {
        uint8_t isValid;
        __asm__ volatile("rdrand %0; setc %1" : "=&r"(*value), "=q"(isValid)::"cc");
        if (isValid) return 1;
    }
    return 0;
}

// What only a model does that is not itself (FAULT_INJECTION in Main.swift).
static inline void model_port(void) { __asm__ volatile("outb %%al, $0x80" ::"a"(0)); }
static inline void model_cpuid(void) {
    uint32_t leaf = 0;
    __asm__ volatile("cpuid" : "+a"(leaf)::"ebx", "ecx", "edx");
}
/// Says that the call is through, with what lies on the page; goes on at the next one.
void model_return(void);
