// Provokes the exits and says at the console how many there were; then it sleeps without any.
#include "meter.h"

static volatile uint32_t interrupts, nmis, turns;

void on_interrupt(uint32_t processor, uint32_t vector) {
    if (processor != 1) return;
    if (vector == 2) nmis++;
    else interrupts++;
}
void on_exception(uint32_t processor, const struct frame *frame) {
    print("@meter exception cpu=%u vector=%lu rip=%lx\n", processor, frame->vector, frame->rip);
}

static void second_main(uint32_t index) {
    (void)index;
    interrupts_on();
    for (;;) turns++;
}

/// Sends an interrupt command to vCPU 1 and waits until it is back from it, so that none falls together with the next.
static void send(uint32_t command, volatile uint32_t *seen) {
    uint32_t before = *seen;
    wrmsr(APIC_ICR, (uint64_t)machine.apic_ids[1] << 32 | command);
    while (*seen == before) pause();
    for (before = turns; turns - before < 2;) pause();
}

static const struct {
    uint32_t leaf, subleaf;
} leaves[] = {{0, 0},      {1, 0},      {2, 0},          {4, 3},          {7, 0},          {0xB, 1},       {0xD, 0},
              {0xD, 1},    {0xD, 2},    {0x40000000, 0}, {0x40000001, 0}, {0x80000000, 0}, {0x80000001, 0}, {0x80000008, 0},
              {0x8000001A, 0}, {0x8000001D, 2}};

static void provoke(void) {
    MARK(CPUID);
    for (uint32_t i = 0; i < TIMES; i++) cpuid(1, 0);
    MARK(CPUID_LEAVES);
    for (uint32_t i = 0; i < TIMES; i++) {
        uint32_t at = i % (sizeof leaves / sizeof *leaves);
        cpuid(leaves[at].leaf, leaves[at].subleaf);
    }
    MARK(MSR);
    for (uint32_t i = 0; i < TIMES / 2; i++) wrmsr(0xC0000080, rdmsr(0xC0000080));
    MARK(PORT);
    for (uint32_t i = 0; i < TIMES / 2; i++) out8(0x80, in8(0x2E));
    MARK(UART);
    for (uint32_t i = 0; i < TIMES; i++) in8(0x3FD);
    MARK(RTC);
    for (uint32_t i = 0; i < TIMES; i++) out8(0x70, 10);
    MARK(ICR);
    for (uint32_t i = 0; i < TIMES; i++) send(0x4040, &interrupts);
    MARK(NMI);
    for (uint32_t i = 0; i < TIMES; i++) send(0x4400, &nmis);
    MARK(NESTED_PAGE_FAULT);
    for (uint32_t i = 0; i < TIMES; i++) *(volatile uint64_t *)0xF0000000 = i;
    MARK(HYPERCALL);
    for (uint32_t i = 0; i < TIMES; i++) {
        uint64_t call = 0;
        asm volatile(GUARDED("vmmcall") : "+a"(call)::"memory");
    }
    MARK(0);
}

void guest_main(void) {
    print("\n@meter start cpus=%u\n", machine.processor_count);
    if (!start_processor(1, second_main)) print("@meter error there is no second vCPU\n");
    else {
        provoke();
        print("@meter done times=%u interrupts=%u nmis=%u\n", TIMES, interrupts, nmis);
    }
    for (;;) asm volatile("hlt");
}
