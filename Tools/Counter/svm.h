// Offsets in the VMCB and exit codes (AMD64 APM volume 2, appendices B and C). The unit test SharedNumbersTests holds them
// against the hypervisor's.
#pragma once

// The word from here on has the intercepts of VMRUN (bit 0) and what follows it.
#define VMCB_INTERCEPTS_HIGH 0x010
#define VMCB_ASID 0x058
#define VMCB_EXIT_CODE 0x070
#define VMCB_EXIT_INFO1 0x078
#define VMCB_EFER 0x4D0
#define VMCB_RIP 0x578
#define VMCB_RAX 0x5F8
// Where Bulkhead's device models have their program (Sources/Metal/Model/Entry/layout.h), in pages of 1 MiB.
#define MODEL_MIB (0x7F0000000000 >> 20)
#define EFER_SVME (1 << 12)

#define EXIT_EXCEPTION_FIRST 0x40
#define EXIT_EXCEPTION_LAST 0x5F
#define EXIT_INTERRUPT 0x60
#define EXIT_NMI 0x61
#define EXIT_INIT 0x63
#define EXIT_INTERRUPT_WINDOW 0x64
#define EXIT_RDPMC 0x6F
#define EXIT_CPUID 0x72
#define EXIT_RSM 0x73
#define EXIT_INVD 0x76
#define EXIT_PAUSE 0x77
#define EXIT_HLT 0x78
#define EXIT_INVLPGA 0x7A
#define EXIT_PORT 0x7B
#define EXIT_MSR 0x7C
#define EXIT_SHUTDOWN 0x7F
#define EXIT_VMRUN 0x80
#define EXIT_VMMCALL 0x81
#define EXIT_VMLOAD 0x82
#define EXIT_SKINIT 0x86
#define EXIT_WBINVD 0x89
#define EXIT_MONITOR 0x8A
#define EXIT_MWAIT 0x8B
#define EXIT_RDPRU 0x8E
#define EXIT_NESTED_PAGE_FAULT 0x400

#define MSR_X2APIC_ICR 0x830
