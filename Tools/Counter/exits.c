// The exit codes of AMD's SVM (AMD64 APM volume 2, appendix C) in the words of reports.
#include "counter.h"

const char *const reason_names[REASONS] = {
    "cpuid", "msr", "port", "icr", "nested_page_fault", "nmi", "hypercall", "halt", "init_sipi", "shutdown",
    "refused_instruction", "cache_control", "exception", "other", "interrupt", "interrupt_window", "control_register",
    "pause",
};

enum { ICR_REGISTER = 0x830 };

static enum reason msr(uint64_t info, uint64_t rcx, uint64_t rax) {
    if (!(info & 1) || (uint32_t)rcx != ICR_REGISTER) return MSR;
    unsigned mode = rax >> 8 & 7;                            // delivery mode 5 is INIT, 6 is start-up
    return mode == 5 || mode == 6 ? INIT_SIPI : ICR;
}

enum reason reason_of(uint64_t code, uint64_t info, uint64_t rcx, uint64_t rax) {
    switch (code) {
    case 0x00 ... 0x1F: return CONTROL_REGISTER;
    case 0x40 ... 0x5F: return EXCEPTION;
    case 0x60: return INTERRUPT;
    case 0x61: return NMI;
    case 0x63: return INIT_SIPI;
    case 0x64: return INTERRUPT_WINDOW;
    case 0x72: return CPUID;
    case 0x77: return PAUSE;
    case 0x78: return HALT;
    case 0x76: case 0x89: return CACHE_CONTROL;              // INVD, WBINVD
    case 0x7B: return PORT;
    case 0x7C: return msr(info, rcx, rax);
    case 0x7F: return SHUTDOWN;
    case 0x81: return HYPERCALL;
    // RDPMC, RSM, INVLPGA, VMRUN, VMLOAD to SKINIT, MONITOR, MWAIT, RDPRU
    case 0x6F: case 0x73: case 0x7A: case 0x80: case 0x82 ... 0x86: case 0x8A: case 0x8B: case 0x8E:
        return REFUSED_INSTRUCTION;
    case 0x400: return NESTED_PAGE_FAULT;
    default: return OTHER;
    }
}
