// What Swift cannot express: single instructions, firmware calls, the world switch.
#pragma once
#include "instructions.h"
#include "layout.h"
#include "uefi.h"

/// The guest's registers that the processor does not keep in its own control block (SVM's keeps RAX), and whether an NMI
/// has come that nobody has handled yet.
typedef struct {
    uint64_t rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15, rax, kicked;
} guest_registers;

/// Around the end of the first page of a core's block: the NMI's stub and the fault handler know the core by it, and a
/// started processor finds its page tables there.
typedef struct {
    guest_registers registers;
    uint64_t magic, cr3;
} core_header;

/// What an exception left on the stack, below it what the stub saved.
typedef struct {
    uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t vector, error, rip, cs, rflags, rsp, ss;
} exception_frame;

#include "svm.h"

/// Calls a firmware service in the Microsoft convention (UEFI 2.10, section 2.3.4.1).
uint64_t efi_call(uint64_t function, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e);

/// Halts until an NMI. GIF is clear before and after.
void svm_idle(int interruptible);

/// Runs the guest of the current control structure until it exits. 0: it has; 1: the entry failed (SDM volume 3, section
/// 30.2); 2: an NMI came first.
uint32_t vmx_run(guest_registers *registers, uint32_t is_launched);
/// Where the processor goes on after an exit.
void vmx_exit(void);
static inline uint64_t vmx_exit_address(void) { return (uint64_t)vmx_exit; }
/// Halts until an NMI, unless one has come since the last look.
void vmx_idle(guest_registers *registers, int interruptible);
/// Lets NMIs come again after an exit that one caused.
void unblock_nmi(void);
/// Calls `function(argument)` on another stack.
void call_on_stack(uint64_t stack, uint64_t argument, void (*function)(uint64_t));
/// Erases boot code and what the other vendor's extension needs, then takes tables of its own (LeaveBoot.swift).
void leave_boot(uint64_t machine, uint64_t program) __attribute__((noreturn));
/// Takes page tables and a stack, and goes on at `entry`.
void core_enter(uint64_t cr3, uint64_t stack, uint64_t argument, void (*entry)(uint64_t)) __attribute__((noreturn));
/// Abandons everything on the stack of this core and goes on at `entry`.
void core_restart(uint64_t stack, uint64_t argument, void (*entry)(uint64_t)) __attribute__((noreturn));
/// Loads flat code and data segments (selectors 10h and 18h) from the descriptor table of `limit` + 1 bytes at `base`.
void load_segments(uint64_t base, uint64_t limit);
/// Zeroes the stack from `bottom` (a multiple of 8) up to the caller's frame, and the registers that calls may change.
void clear_stack(uint64_t bottom);
/// Resets x87, SSE and AVX state as XCR0 has it.
void clear_vector_state(void);

extern const uint8_t image_base[], svm_text[], vmx_text[], common_text[], text_end[], data_end[];
extern const uint8_t start_up_code[], start_up_code_end[];
extern const uint64_t exception_stubs[256];

static inline uint64_t image_address(void) { return (uint64_t)image_base; }
/// Where boot code ends and SVM's begins, then VMX's, then what stays mapped with either (image.ld).
static inline uint64_t image_svm_text(void) { return (uint64_t)svm_text; }
static inline uint64_t image_vmx_text(void) { return (uint64_t)vmx_text; }
static inline uint64_t image_common_text(void) { return (uint64_t)common_text; }
static inline uint64_t image_text_end(void) { return (uint64_t)text_end; }
static inline uint64_t image_data_end(void) { return (uint64_t)data_end; }
static inline uint64_t start_up_code_address(void) { return (uint64_t)start_up_code; }
static inline uint64_t start_up_code_size(void) { return (uint64_t)(start_up_code_end - start_up_code); }
static inline uint64_t exception_stub(uint32_t vector) { return exception_stubs[vector & 255]; }
