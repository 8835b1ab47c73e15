// What every guest of the adversary suite stands on: 64-bit mode with all vCPUs, recoverable exceptions, the UART, the
// x2APIC and a clock. It needs no BIOS, no PIC, no PIT (PIT only where no CPUID leaf tells the TSC's rate).
#pragma once
#include "instructions.h"
#include <stdarg.h>

#define PROCESSORS_MAX 8
#define RANGES_MAX 32
#define RAM 1

/// One entry of the loader's memory map; `type` 1 is RAM.
struct range {
    uint64_t start, size;
    uint32_t type;
};
/// What the loader told, copied out of its memory.
struct machine {
    char command_line[512];
    struct range ranges[RANGES_MAX];
    uint32_t range_count;
    uint64_t rsdp;
    uint32_t processor_count;
    uint32_t apic_ids[PROCESSORS_MAX];  // [0] is vCPU 0's own
    uint64_t tsc_khz;
    bool multiboot;
    struct range module;                // the first one: what a manifest calls the initrd; size 0 when there is none
};
extern struct machine machine;
extern char image_start[], image_end[];

/// The program. Interrupts are off, only vCPU 0 runs.
void guest_main(void);

// Memory map --------------------------------------------------------------------------------------------------------
/// Whether any entry of the map, RAM or not, covers a byte of the `size` bytes at `address`.
bool address_is_ours(uint64_t address, uint64_t size);
/// The largest RAM range above 1 MiB without the program itself; size 0 when there is none.
struct range free_memory(void);
/// First address behind all RAM below 4 GiB.
uint64_t low_memory_end(void);
/// The value of `key=` on the command line, up to the next space; false when absent.
bool option(const char *key, char *value, size_t capacity);

/// The ACPI table with this signature, or null.
const void *find_table(const char *signature);

// Console -----------------------------------------------------------------------------------------------------------
void console_put(char c);
/// The next byte typed at the console, or -1.
int console_get(void);
/// %s %c %d %u %x with optional zero-padded width and l; %x without prefix.
void print(const char *format, ...) __attribute__((format(printf, 1, 2)));
void print_list(const char *format, va_list arguments);
size_t format_into(char *text, size_t capacity, const char *format, ...) __attribute__((format(printf, 3, 4)));

// Exceptions and interrupts -------------------------------------------------------------------------------------------
struct frame {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
    uint64_t vector, error, rip, cs, rflags, rsp, ss;
};
struct registers {
    uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp, r8, r9, r10, r11, r12, r13, r14, r15;
};
/// Runs `code` with all registers loaded; returns the exception's vector or -1.
int probe_run(const void *code, const struct registers *before);
extern volatile struct registers probe_after;
/// Called for each interrupt (vectors 32 and up, already acknowledged) and NMI (2), with interrupts off.
void on_interrupt(uint32_t processor, uint32_t vector);
/// Called for an exception that nothing expected; the vCPU stops when it returns.
void on_exception(uint32_t processor, const struct frame *frame);
const char *vector_name(int vector);
void load_interrupt_table(uint32_t processor);
/// For those who ruin them: where the next exception's frame will be written, one gate's target, all gates' stacks.
uint64_t trap_stack_top(uint32_t processor);
void set_gate(uint32_t vector, uint64_t target);
void gates_without_stacks(void);
struct __attribute__((packed)) table_pointer {
    uint16_t limit;
    uint64_t base;
};

// x2APIC and time -----------------------------------------------------------------------------------------------------
enum {
    APIC_BASE = 0x1B, APIC_ID = 0x802, APIC_VERSION = 0x803, APIC_TPR = 0x808, APIC_EOI = 0x80B, APIC_LDR = 0x80D,
    APIC_SVR = 0x80F, APIC_ISR = 0x810, APIC_IRR = 0x820, APIC_ESR = 0x828, APIC_ICR = 0x830, APIC_LVT_TIMER = 0x832,
    APIC_LVT_THERMAL = 0x833, APIC_LVT_COUNTER = 0x834, APIC_LVT_LINT0 = 0x835, APIC_LVT_LINT1 = 0x836,
    APIC_LVT_ERROR = 0x837, APIC_INITIAL = 0x838, APIC_CURRENT = 0x839, APIC_DIVIDE = 0x83E, APIC_SELF = 0x83F,
};
#define SPURIOUS_VECTOR 0xFF
/// Turns x2APIC mode on where the platform did not, the local APIC on, all its sources masked.
void apic_start(void);
bool apic_requested(uint32_t vector);
/// Timer counts (divider 1) in a millisecond, measured against the TSC.
uint64_t apic_timer_per_ms(void);
void delay_us(uint64_t us);
uint64_t uptime_ms(void);

// Further vCPUs -------------------------------------------------------------------------------------------------------
/// Starts vCPU `index` (1..) by INIT and SIPI; it calls `run(index)` with interrupts off. False when it does not answer
/// within two seconds.
bool start_processor(uint32_t index, void (*run)(uint32_t index));

void *memcpy(void *to, const void *from, size_t size);
void *memset(void *to, int value, size_t size);
size_t strlen(const char *text);
bool equal(const char *a, const char *b);
bool starts_with(const char *text, const char *prefix);
/// Hexadecimal with 0x or decimal digits; stops at the first other character.
uint64_t parse_number(const char *text);
/// xorshift64*: the same sequence for the same seed, on every machine.
uint64_t next_random(uint64_t *state);
