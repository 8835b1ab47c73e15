// Single instructions, and the same ones guarded: a guarded one that faults is left behind and its vector returned.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Where trap() continues after an exception, and with which stack pointer (0: the one at the fault).
struct recovery {
    uint64_t rip, rsp;
};
/// The last exception that was recovered from. `vector` is -1 while there was none.
struct fault {
    int64_t vector;
    uint64_t error, rip, cr2, rflags;
};
extern volatile struct recovery recovery;
extern volatile struct fault fault;

/// Only vCPU 0 may use guarded instructions.
#define GUARDED(instruction) \
    "movq $-1, fault\n\tmovq $9f, recovery\n\t" instruction "\n9:\tmovq $0, recovery\n\t"

static inline uint8_t in8(uint16_t port) {
    uint8_t value;
    asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}
static inline void out8(uint16_t port, uint8_t value) { asm volatile("outb %0, %1" ::"a"(value), "Nd"(port)); }
static inline void out16(uint16_t port, uint16_t value) { asm volatile("outw %0, %1" ::"a"(value), "Nd"(port)); }
static inline void out32(uint16_t port, uint32_t value) { asm volatile("outl %0, %1" ::"a"(value), "Nd"(port)); }

static inline uint32_t in32(uint16_t port) {
    uint32_t value;
    asm volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline uint64_t rdmsr(uint32_t msr) {
    uint32_t low, high;
    asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return (uint64_t)high << 32 | low;
}
static inline void wrmsr(uint32_t msr, uint64_t value) {
    asm volatile("wrmsr" ::"c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)) : "memory");
}
static inline uint64_t rdtsc(void) {
    uint32_t low, high;
    asm volatile("lfence\n\trdtsc" : "=a"(low), "=d"(high)::"memory");
    return (uint64_t)high << 32 | low;
}
struct cpuid {
    uint32_t eax, ebx, ecx, edx;
};
static inline struct cpuid cpuid(uint32_t leaf, uint32_t subleaf) {
    struct cpuid r;
    asm volatile("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx) : "a"(leaf), "c"(subleaf));
    return r;
}
static inline void interrupts_on(void) { asm volatile("sti" ::: "memory"); }
static inline void interrupts_off(void) { asm volatile("cli" ::: "memory"); }
/// Waits for an interrupt with no gap in which it could be lost.
static inline void wait_for_interrupt(void) { asm volatile("sti\n\thlt\n\tcli" ::: "memory"); }
static inline void pause(void) { asm volatile("pause"); }
static inline void invlpg(uint64_t address) { asm volatile("invlpg (%0)" ::"r"(address) : "memory"); }

#define REGISTER(name, assembler) \
    static inline uint64_t read_##name(void) { \
        uint64_t value; \
        asm volatile("movq %%" assembler ", %0" : "=r"(value)); \
        return value; \
    } \
    static inline void write_##name(uint64_t value) { asm volatile("movq %0, %%" assembler ::"r"(value) : "memory"); } \
    static inline int try_write_##name(uint64_t value) { \
        asm volatile(GUARDED("movq %0, %%" assembler) ::"r"(value) : "memory"); \
        return (int)fault.vector; \
    } \
    static inline int try_read_##name(uint64_t *value) { \
        uint64_t seen = 0; \
        asm volatile(GUARDED("movq %%" assembler ", %0") : "+r"(seen)::"memory"); \
        *value = seen; \
        return (int)fault.vector; \
    }
REGISTER(cr0, "cr0")
REGISTER(cr2, "cr2")
REGISTER(cr3, "cr3")
REGISTER(cr4, "cr4")
REGISTER(cr8, "cr8")
REGISTER(dr0, "dr0")
REGISTER(dr1, "dr1")
REGISTER(dr2, "dr2")
REGISTER(dr3, "dr3")
REGISTER(dr4, "dr4")
REGISTER(dr5, "dr5")
REGISTER(dr6, "dr6")
REGISTER(dr7, "dr7")

static inline int try_rdmsr(uint32_t msr, uint64_t *value) {
    uint32_t low = 0, high = 0;
    asm volatile(GUARDED("rdmsr") : "+a"(low), "+d"(high) : "c"(msr) : "memory");
    *value = (uint64_t)high << 32 | low;
    return (int)fault.vector;
}
static inline int try_wrmsr(uint32_t msr, uint64_t value) {
    asm volatile(GUARDED("wrmsr") ::"c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)) : "memory");
    return (int)fault.vector;
}
static inline int try_in(uint16_t port, int bytes, uint32_t *value) {
    uint32_t seen = 0;
    switch (bytes) {
    case 1: asm volatile(GUARDED("inb %%dx, %%al") : "+a"(seen) : "d"(port) : "memory"); break;
    case 2: asm volatile(GUARDED("inw %%dx, %%ax") : "+a"(seen) : "d"(port) : "memory"); break;
    default: asm volatile(GUARDED("inl %%dx, %%eax") : "+a"(seen) : "d"(port) : "memory"); break;
    }
    *value = seen;
    return (int)fault.vector;
}
static inline int try_out(uint16_t port, int bytes, uint32_t value) {
    switch (bytes) {
    case 1: asm volatile(GUARDED("outb %%al, %%dx") ::"a"(value), "d"(port) : "memory"); break;
    case 2: asm volatile(GUARDED("outw %%ax, %%dx") ::"a"(value), "d"(port) : "memory"); break;
    default: asm volatile(GUARDED("outl %%eax, %%dx") ::"a"(value), "d"(port) : "memory"); break;
    }
    return (int)fault.vector;
}
static inline int try_read(const volatile void *address, uint64_t *value) {
    uint64_t seen = 0;
    asm volatile(GUARDED("movq (%1), %0") : "+&r"(seen) : "r"(address) : "memory");
    *value = seen;
    return (int)fault.vector;
}
static inline int try_write(volatile void *address, uint64_t value) {
    asm volatile(GUARDED("movq %0, (%1)") ::"r"(value), "r"(address) : "memory");
    return (int)fault.vector;
}
static inline int try_interrupt_18(void) {
    asm volatile(GUARDED("int $18") ::: "memory");
    return (int)fault.vector;
}
static inline int try_xsetbv(uint32_t index, uint64_t value) {
    asm volatile(GUARDED("xsetbv") ::"c"(index), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)) : "memory");
    return (int)fault.vector;
}
static inline int try_xgetbv(uint32_t index, uint64_t *value) {
    uint32_t low = 0, high = 0;
    asm volatile(GUARDED("xgetbv") : "+a"(low), "+d"(high) : "c"(index) : "memory");
    *value = (uint64_t)high << 32 | low;
    return (int)fault.vector;
}
