// The interrupt table, one task-state segment for each vCPU, and recovery from expected exceptions.
#include "runtime.h"

#define STACK_SIZE 8192

struct __attribute__((packed)) task_state {
    uint32_t reserved0;
    uint64_t rsp[3], reserved1, ist[7], reserved2;
    uint16_t reserved3, io_map;
};
struct gate {
    uint16_t offset_low, selector;
    uint8_t ist, type;
    uint16_t offset_middle;
    uint32_t offset_high, reserved;
};
volatile struct recovery recovery;
volatile struct fault fault;
static struct table_pointer interrupt_table;
extern uint64_t gdt[];
extern char vectors[];
static struct gate gates[256];
static struct task_state task_states[PROCESSORS_MAX];
// Every vector has a stack of its own kind, so that any RSP may be interrupted: [0] for most, [1] NMI, [2] double fault.
static _Alignas(16) uint8_t stacks[3][PROCESSORS_MAX][STACK_SIZE];

void set_gate(uint32_t vector, uint64_t target) {
    gates[vector] = (struct gate){(uint16_t)target, 8, vector == 2 ? 2 : vector == 8 ? 3 : 1, 0x8E,
                                  (uint16_t)(target >> 16), (uint32_t)(target >> 32), 0};
}
void gates_without_stacks(void) {
    for (int i = 0; i < 256; i++) gates[i].ist = 0;
}
uint64_t trap_stack_top(uint32_t processor) { return (uint64_t)&stacks[0][processor][STACK_SIZE]; }

static void fill_gates(void) {
    for (uint32_t i = 0; i < 256; i++) set_gate(i, (uint64_t)vectors + i * 16);
    interrupt_table = (struct table_pointer){sizeof gates - 1, (uint64_t)gates};
}

void load_interrupt_table(uint32_t processor) {
    if (processor == 0) fill_gates();
    struct task_state *state = &task_states[processor];
    for (int i = 0; i < 3; i++) state->ist[i] = (uint64_t)&stacks[i][processor][STACK_SIZE];
    state->io_map = sizeof *state;
    uint64_t base = (uint64_t)state;
    gdt[6 + processor * 2] = (sizeof *state - 1) | (base & 0xFFFFFF) << 16 | 0x89ull << 40 | (base >> 24 & 0xFF) << 56;
    gdt[7 + processor * 2] = base >> 32;
    asm volatile("lidt %0" ::"m"(interrupt_table));
    asm volatile("ltr %w0" ::"r"((6 + processor * 2) * 8));
}

static uint32_t processor_of(const struct frame *frame) {
    uint64_t offset = (uint64_t)frame - (uint64_t)stacks;
    return (uint32_t)(offset / STACK_SIZE % PROCESSORS_MAX);
}

void trap(struct frame *frame) {
    uint32_t processor = processor_of(frame), vector = (uint32_t)frame->vector;
    if (vector >= 32 || vector == 2) {
        if (vector >= 32 && vector != SPURIOUS_VECTOR) wrmsr(APIC_EOI, 0);
        on_interrupt(processor, vector);
        return;
    }
    if (processor == 0 && recovery.rip) {
        fault.error = frame->error;
        fault.rip = frame->rip;
        fault.rflags = frame->rflags;
        fault.cr2 = read_cr2();
        fault.vector = vector;
        frame->rip = recovery.rip;
        if (recovery.rsp) frame->rsp = recovery.rsp;
        frame->rflags &= ~0x54500ull;  // TF, DF, NT, AC
        recovery.rip = 0;
        return;
    }
    on_exception(processor, frame);
    for (;;) asm volatile("cli\n\thlt");
}

const char *vector_name(int vector) {
    static const char *const names[32] = {
        "#DE", "#DB", "nmi", "#BP", "#OF", "#BR", "#UD", "#NM", "#DF", "v9", "#TS", "#NP", "#SS", "#GP", "#PF", "v15",
        "#MF", "#AC", "#MC", "#XM", "#VE", "#CP", "v22", "v23", "v24", "v25", "v26", "v27", "#HV", "#VC", "#SX", "v31"};
    return vector < 0 ? "none" : vector < 32 ? names[vector] : "interrupt";
}
