// One function per instruction (AMD64 APM volume 3, Intel SDM volume 2).
#pragma once
#include <stdint.h>

#define INSTRUCTION static inline __attribute__((always_inline))

#define PORT(bits, suffix)                                                                                            \
    INSTRUCTION void cpu_out##bits(uint16_t port, uint##bits##_t value) {                                             \
        __asm__ volatile("out" suffix " %0, %1" ::"a"(value), "Nd"(port));                                            \
    }                                                                                                                 \
    INSTRUCTION uint##bits##_t cpu_in##bits(uint16_t port) {                                                          \
        uint##bits##_t value;                                                                                         \
        __asm__ volatile("in" suffix " %1, %0" : "=a"(value) : "Nd"(port));                                           \
        return value;                                                                                                 \
    }
PORT(8, "b")
PORT(16, "w")
PORT(32, "l")
#undef PORT
INSTRUCTION uint64_t cpu_rdmsr(uint32_t msr) {
    uint32_t low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr) : "memory");
    return (uint64_t)high << 32 | low;
}
INSTRUCTION void cpu_wrmsr(uint32_t msr, uint64_t value) {
    __asm__ volatile("wrmsr" ::"a"((uint32_t)value), "d"((uint32_t)(value >> 32)), "c"(msr) : "memory");
}

typedef struct {
    uint32_t eax, ebx, ecx, edx;
} cpuid_result;

INSTRUCTION cpuid_result cpu_cpuid(uint32_t leaf, uint32_t subleaf) {
    cpuid_result r;
    __asm__ volatile("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx) : "0"(leaf), "2"(subleaf));
    return r;
}
INSTRUCTION uint64_t cpu_rdtsc(void) {
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high)::"memory");
    return (uint64_t)high << 32 | low;
}
#define READ_REGISTER(name, type)                                                                                     \
    INSTRUCTION type cpu_read_##name(void) {                                                                          \
        type value;                                                                                                   \
        __asm__ volatile("mov %%" #name ", %0" : "=r"(value));                                                        \
        return value;                                                                                                 \
    }
#define WRITE_REGISTER(name)                                                                                          \
    INSTRUCTION void cpu_write_##name(uint64_t value) {                                                               \
        __asm__ volatile("mov %0, %%" #name ::"r"(value) : "memory");                                                 \
    }
READ_REGISTER(cr0, uint64_t)
READ_REGISTER(cr2, uint64_t)
READ_REGISTER(cr3, uint64_t)
READ_REGISTER(cr4, uint64_t)
READ_REGISTER(dr6, uint64_t)
READ_REGISTER(cs, uint16_t)
WRITE_REGISTER(cr0)
WRITE_REGISTER(cr2)
WRITE_REGISTER(cr4)
WRITE_REGISTER(dr6)
#undef READ_REGISTER
#undef WRITE_REGISTER
/// All that was stored before is seen by others before anything that follows happens.
INSTRUCTION void cpu_fence(void) { __asm__ volatile("mfence; lfence" ::: "memory"); }
INSTRUCTION void cpu_cli(void) { __asm__ volatile("cli" ::: "memory"); }
INSTRUCTION void cpu_pause(void) { __asm__ volatile("pause" ::: "memory"); }
/// Lets the interrupts that are pending in (not the masked ones) reach the host's handlers, which acknowledge them.
INSTRUCTION void cpu_interrupt_window(void) { __asm__ volatile("sti; nop; nop; cli" ::: "memory"); }
INSTRUCTION void cpu_xsetbv(uint32_t index, uint64_t value) {
    __asm__ volatile("xsetbv" ::"a"((uint32_t)value), "d"((uint32_t)(value >> 32)), "c"(index));
}
INSTRUCTION uint64_t cpu_xgetbv(uint32_t index) {
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(index));
    return (uint64_t)high << 32 | low;
}
INSTRUCTION void cpu_lidt(const void *descriptor) { __asm__ volatile("lidt (%0)" ::"r"(descriptor) : "memory"); }
INSTRUCTION void cpu_sidt(void *descriptor) { __asm__ volatile("sidt (%0)" ::"r"(descriptor) : "memory"); }
INSTRUCTION uint64_t cpu_gdt_base(void) {
    struct __attribute__((packed)) { uint16_t limit; uint64_t base; } pointer;
    __asm__ volatile("sgdt %0" : "=m"(pointer));
    return pointer.base;
}
INSTRUCTION void cpu_ltr(uint16_t selector) { __asm__ volatile("ltr %0" ::"r"(selector) : "memory"); }
INSTRUCTION void cpu_stgi(void) { __asm__ volatile("stgi; nop" ::: "memory"); }
INSTRUCTION void cpu_clgi(void) { __asm__ volatile("clgi" ::: "memory"); }
INSTRUCTION void cpu_vmsave(uint64_t vmcb) { __asm__ volatile("vmsave %%rax" ::"a"(vmcb) : "memory"); }

// VMX (Intel SDM volume 3, chapter 30). Those with a result give 0 when they have succeeded.
#define VMX_REGION(name, instruction)                                                                                 \
    INSTRUCTION int vmx_##name(uint64_t region) {                                                                     \
        uint8_t failed;                                                                                               \
        __asm__ volatile(instruction " %1" : "=@ccbe"(failed) : "m"(region) : "memory");                              \
        return failed;                                                                                                \
    }
VMX_REGION(on, "vmxon")
VMX_REGION(clear, "vmclear")
VMX_REGION(load, "vmptrld")
#undef VMX_REGION
INSTRUCTION uint64_t vmx_read(uint32_t field) {
    uint64_t value;
    __asm__ volatile("vmread %1, %0" : "=r"(value) : "r"((uint64_t)field) : "cc");
    return value;
}
INSTRUCTION void vmx_write(uint32_t field, uint64_t value) {
    __asm__ volatile("vmwrite %0, %1" ::"r"(value), "r"((uint64_t)field) : "cc", "memory");
}
/// Invalidates translations: of one context (type 1), which is an EPT pointer or a VPID, or of all (type 2).
#define VMX_INVALIDATE(name, instruction)                                                                             \
    INSTRUCTION int vmx_invalidate_##name(uint64_t type, uint64_t context) {                                          \
        uint64_t descriptor[2] = {context, 0};                                                                        \
        uint8_t failed;                                                                                               \
        __asm__ volatile(instruction " (%1), %2" : "=@ccbe"(failed) : "r"(&descriptor[0]), "r"(type) : "memory");     \
        return failed;                                                                                                \
    }
VMX_INVALIDATE(ept, "invept")
VMX_INVALIDATE(vpid, "invvpid")
#undef VMX_INVALIDATE

/// Fills `bytes`, a multiple of 8, with ones.
INSTRUCTION void cpu_fill_ones(void *to, uint64_t bytes) {
    uint64_t words = bytes / 8;
    __asm__ volatile("rep stosq" : "+D"(to), "+c"(words) : "a"(~0ULL) : "memory");
}

/// Clears `bytes`, a multiple of 128 or none, from a multiple of 16 on, past the caches, which neighbours share. Leaves XMM0 zero:
/// no guest is on this core, or its registers are reset before one is.
INSTRUCTION void cpu_zero(void *to, uint64_t bytes) {
    uint64_t at = (uint64_t)to, end = at + bytes;
    __asm__ volatile(
        "pxor %%xmm0, %%xmm0\n jmp 2f\n"
        "1: movntdq %%xmm0, (%0)\n movntdq %%xmm0, 16(%0)\n movntdq %%xmm0, 32(%0)\n movntdq %%xmm0, 48(%0)\n"
        "movntdq %%xmm0, 64(%0)\n movntdq %%xmm0, 80(%0)\n movntdq %%xmm0, 96(%0)\n movntdq %%xmm0, 112(%0)\n"
        "addq $128, %0\n 2: cmpq %1, %0\n jne 1b\n sfence"
        : "+r"(at) : "r"(end) : "memory", "cc");
}
INSTRUCTION void cpu_write_dr(uint64_t zero) {
    __asm__ volatile("mov %0, %%dr0; mov %0, %%dr1; mov %0, %%dr2; mov %0, %%dr3" ::"r"(zero));
}
INSTRUCTION void cpu_push_at(uint64_t stack) { __asm__ volatile("movq %0, %%rsp; pushq $0" ::"r"(stack)); }
/// VERW with the selector of the data segment: where the processor says so, overwrites its internal buffers.
INSTRUCTION void cpu_verw(void) {
    static const uint16_t selector = 0x18;
    __asm__ volatile("verw %0" ::"m"(selector) : "cc", "memory");
}
/// Writes the cache lines (64 bytes) of `bytes` from `address` on back to memory.
INSTRUCTION void cpu_write_back(uint64_t address, uint64_t bytes) {
    for (uint64_t at = address & ~63ULL; at < address + bytes; at += 64)
        __asm__ volatile("clflush (%0)" ::"r"(at) : "memory");
    __asm__ volatile("mfence" ::: "memory");
}
/// PCONFIG of one memory key: 0, or why it was not set (SDM volume 2B).
INSTRUCTION uint64_t cpu_pconfig(uint64_t head) {
    uint64_t block[32] __attribute__((aligned(256))) = {head}, answer = 0;
    uint8_t failed;
    __asm__ volatile(".byte 0x0f, 0x01, 0xc5" : "+a"(answer), "=@ccz"(failed) : "b"(block), "c"(0), "d"(0) : "memory");
    return !failed ? 0 : answer ? answer : ~0ULL;
}
INSTRUCTION void cpu_wbinvd(void) { __asm__ volatile("wbinvd" ::: "memory"); }
INSTRUCTION void cpu_ud2(void) { __asm__ volatile("ud2"); }
INSTRUCTION void cpu_hlt(void) { __asm__ volatile("hlt" ::: "memory"); }
/// Device registers in memory: every access happens, once and in order.
// By the accumulator, as AMD's processors demand for configuration space in memory (BKDG for family 10h, section 2.11).
#define MMIO(bits, suffix)                                                                                            \
    INSTRUCTION void mmio_write##bits(uint64_t address, uint##bits##_t value) {                                        \
        __asm__ volatile("mov" suffix " %0, %1" ::"a"(value), "m"(*(volatile uint##bits##_t *)address) : "memory");     \
    }                                                                                                                 \
    INSTRUCTION uint##bits##_t mmio_read##bits(uint64_t address) {                                                     \
        uint##bits##_t value;                                                                                         \
        __asm__ volatile("mov" suffix " %1, %0" : "=a"(value) : "m"(*(volatile uint##bits##_t *)address) : "memory");   \
        return value;                                                                                                 \
    }
MMIO(8, "b")
MMIO(16, "w")
MMIO(32, "l")
MMIO(64, "q")
#undef MMIO
