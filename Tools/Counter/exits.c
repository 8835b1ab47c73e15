// The exit codes of AMD's SVM (AMD64 APM volume 2, appendix C) in the words of reports.
#include "counter.h"
#include "svm.h"

const char *const reason_names[REASONS] = {
    "cpuid", "msr", "port", "icr", "nested_page_fault", "nmi", "hypercall", "halt", "init_sipi", "shutdown",
    "refused_instruction", "cache_control", "exception", "other", "device_model", "interrupt", "interrupt_window", "control_register",
    "pause",
};

static enum reason msr(uint64_t info, uint64_t rcx, uint64_t rax) {
    if (!(info & 1) || (uint32_t)rcx != MSR_X2APIC_ICR) return MSR;
    unsigned mode = rax >> 8 & 7;                            // delivery mode 5 is INIT, 6 is start-up
    return mode == 5 || mode == 6 ? INIT_SIPI : ICR;
}

enum reason reason_of(uint64_t code, uint64_t info, uint64_t rcx, uint64_t rax) {
    switch (code) {
    case 0x00 ... 0x1F: return CONTROL_REGISTER;
    case EXIT_EXCEPTION_FIRST ... EXIT_EXCEPTION_LAST: return EXCEPTION;
    case EXIT_INTERRUPT: return INTERRUPT;
    case EXIT_NMI: return NMI;
    case EXIT_INIT: return INIT_SIPI;
    case EXIT_INTERRUPT_WINDOW: return INTERRUPT_WINDOW;
    case EXIT_CPUID: return CPUID;
    case EXIT_PAUSE: return PAUSE;
    case EXIT_HLT: return HALT;
    case EXIT_INVD: case EXIT_WBINVD: return CACHE_CONTROL;
    case EXIT_PORT: return PORT;
    case EXIT_MSR: return msr(info, rcx, rax);
    case EXIT_SHUTDOWN: return SHUTDOWN;
    case EXIT_VMMCALL: return HYPERCALL;
    case EXIT_RDPMC: case EXIT_RSM: case EXIT_INVLPGA: case EXIT_VMRUN: case EXIT_VMLOAD ... EXIT_SKINIT:
    case EXIT_MONITOR: case EXIT_MWAIT: case EXIT_RDPRU:
        return REFUSED_INSTRUCTION;
    case EXIT_NESTED_PAGE_FAULT: return NESTED_PAGE_FAULT;
    default: return OTHER;
    }
}
