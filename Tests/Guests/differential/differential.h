// The differential guest: instruction sequences made from a seed, each executed with every exception caught, each summed
// up in one number. The same program runs on a bare machine and in a partition; the host compares the numbers.
#pragma once
#include "runtime.h"

/// Where a sequence runs, in its linear addresses: code, data and stack, which it may write; constants, which it may not;
/// the data once more for privileged code alone; then nothing.
enum { SANDBOX = 0x40000000, CODE = SANDBOX, DATA = SANDBOX + 0x1000, STACK = SANDBOX + 0x2000,
       CONSTANTS = SANDBOX + 0x3000, PRIVILEGED = SANDBOX + 0x4000, ABSENT = SANDBOX + 0x5000 };

/// Selectors of the sandbox's descriptor table. SYSCALL and SYSRET fix the order (STAR).
enum { CODE64 = 0x08, DATA0 = 0x10, CODE32 = 0x18, CODE16 = 0x20, DATA16 = 0x28, USER_CODE32 = 0x33, USER_DATA = 0x3B,
       USER_CODE64 = 0x43, USER_CODE16 = 0x4B, USER_DATA16 = 0x53, NOT_PRESENT = 0x58, CONFORMING = 0x60,
       CALL_GATE = 0x68, TASK_STATE = 0x78, LOCAL_TABLE = 0x88, READ_ONLY = 0x98, TABLE_SIZE = 0xA0 };

/// Vectors that are none: the landing place of SYSCALL and SYSENTER, the call gate's, and the end of a sequence's code.
enum { LANDED = 256, GATED = 257 };

/// General registers, and what IRETQ loads or an exception's frame holds; entry.S knows the offsets.
struct context {
    uint64_t gpr[16];  // RAX, RBX, RCX, RDX, RSI, RDI, RBP, RSP, R8 to R15
    uint64_t rip, cs, rflags, ss, ds, es, fs, gs;
    uint64_t vector, error;
};
enum { RAX, RBX, RCX, RDX, RSI, RDI, RBP, RSP };

/// All registers that a sequence may change besides. Each is read by collect() and set by restore().
struct controls {
    uint64_t cr0, cr2, cr3, cr4, cr8, dr[4], dr6, dr7, xcr0, gdt_base, gdt_limit, idt_base, idt_limit, tr, ldtr;
    uint64_t msr[16];
};
extern const uint32_t saved_msrs[];
extern const size_t saved_msr_count;

/// One sequence: what is executed, in which state.
struct sequence {
    uint8_t code[256];
    uint32_t length;
    /// Executed an instruction at a time by RFLAGS.TF, at most so many; 0: at full speed.
    uint32_t steps;
    /// Bytes at random rather than instructions: unprivileged, and only stepped.
    bool noise;
    /// Breakpoints may be on.
    bool watched;
    /// It may have instructions that exit and are passed over.
    bool exits;
    struct context start;
    uint64_t dr[4], dr7, cr4;
};

/// Enters a context; returns when an exception or a landing ends it, which `after` then says.
void enter(const struct context *context);
extern volatile struct context after;
/// Called when an exception comes while no context is entered.
void harness_broken(void);
extern char landing[], gate_landing[], stubs[];

/// Builds tables, once.
void sandbox_start(void);
/// Executes a sequence.
/// - show: prints each state.
/// - Returns: what it came to.
uint64_t sandbox_run(const struct sequence *sequence, bool show);

/// Whether a trap flag's exception comes behind an instruction that exited, as on silicon and in row step-over-cpuid of
/// Tests/Guests/differences.yaml. Without, no sequence steps over one.
enum { EXITS_ARE_STEPPED = 1 };
/// Bits of DR7 that make data breakpoints. Together with the trap flag QEMU raises their exception twice, the second time
/// in the handler's first instruction.
#define DATA_BREAKPOINTS 0x33330000ull

/// Makes sequence `index` of a seed.
void generate(struct sequence *sequence, uint64_t seed, uint64_t index);

/// Whether reserved bits, addresses that are not canonical and modes that do not go together are refused, as processors
/// do. QEMU takes most of them, and nested paging as it emulates it may make another thing of them.
bool is_checked(void);
/// Where a sequence's code grows, and what it is made from.
struct writer {
    struct sequence *sequence;
    uint64_t random;
};
uint32_t roll(struct writer *writer, uint32_t sides);
uint64_t roll_value(struct writer *writer);
void emit(struct writer *writer, uint8_t byte);
void emit_all(struct writer *writer, const char *bytes, size_t count);
void emit_value(struct writer *writer, uint64_t value, uint32_t bytes);
/// MOV of a constant into a register, 0 to 15 by the processor's numbers.
void emit_load(struct writer *writer, uint32_t register_number, uint64_t value);
/// One instruction, or a few that belong together, of those that privileged code has.
void emit_system(struct writer *writer);
#define EMIT(writer, text) emit_all(writer, text, sizeof(text) - 1)

/// Instructions whose outcome in a partition is another one, and why, is in Tests/Guests/differences.yaml.
void run_differences(void);
