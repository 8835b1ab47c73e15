// Numbers that assembly, C and Swift share. support.c holds the offsets against the structures; the unit test
// SharedNumbersTests holds registers and fields against the numbers that Swift has from the manuals.
#pragma once

// Offsets in guest_registers.
#define GUEST_RBX 0
#define GUEST_RCX 8
#define GUEST_RDX 16
#define GUEST_RSI 24
#define GUEST_RDI 32
#define GUEST_RBP 40
#define GUEST_R8 48
#define GUEST_RAX 112
#define GUEST_KICKED 120

// In core_header: where the magic is, and what. With it begins a block's second page, which the core only reads.
#define CORE_MAGIC_AT 128
#define CORE_HEADER_AT (0x1000 - CORE_MAGIC_AT)
#define CORE_MAGIC 0x6C754B6845614421
// Behind it the core's page tables. The block's bytes, the last of which are its stack.
#define CORE_CR3 136
#define CORE_SIZE 0xD000

// The slots on the page on which processors start, 8 bytes each.
#define START_UP_SLOTS 64
#define START_UP_SLOTS_AT 0x400

// The hypervisor's own segments.
#define CODE_SELECTOR 0x10
#define DATA_SELECTOR 0x18

// x2APIC: end of interrupt.
#define MSR_X2APIC_EOI 0x80B
// VMCS: the host's RSP.
#define VMCS_HOST_RSP 0x6C14
