// (a), (b), (f): a guest that dies or never comes back. What the platform does then is the manifest's to say; all that
// counts is that it can be stopped, and that nobody else notices.
#include "attack.h"

static void load_table(struct table_pointer table) { asm volatile("lidt %0" ::"m"(table)); }

// `spin:KIND`: cli (default), tpr, hlt, exits, apic-off, clgi
void attack_spin(const char *argument) {
    announce("spin", argument);
    interrupts_off();
    if (equal(argument, "tpr")) {
        write_cr8(15);
        interrupts_on();
    } else if (equal(argument, "hlt")) {
        for (;;) asm volatile("cli\n\thlt");
    } else if (equal(argument, "exits")) {
        for (;;) cpuid(0, 0);
    } else if (equal(argument, "apic-off")) {
        wrmsr(APIC_SVR, 0xFF);
    } else if (equal(argument, "clgi")) {
        asm volatile(GUARDED(".byte 0x0F, 0x01, 0xDD")::: "memory");
    }
    for (;;) pause();
}

// Delivering #DB writes a frame to the very address that is watched for writes, which is #DB again: on silicon a loop
// in microcode that only an intercept of #DB ends.
static void debug_loop(void) {
    write_dr0(trap_stack_top(0) - 8);
    write_dr7(0x400 | 1 | 0xDull << 16);  // global-exact off, DR0 local, write, 8 bytes wide
    asm volatile(".byte 0xF1");
}
static void undefined_loop(void) {
    extern char wedge_undefined[];
    set_gate(6, (uint64_t)wedge_undefined);
    asm volatile("wedge_undefined: ud2");
}
// Out of an NMI's handler by a stack where nobody is: the hypervisor steps over the IRET, which then needs another step.
volatile uint64_t nowhere;
asm(".text\nwedge_return: movq nowhere, %rsp\n iretq\n");
static void return_loop(void) {
    extern char wedge_return[];
    nowhere = (uint64_t)map_outside("above") + 0x800;
    set_gate(2, (uint64_t)wedge_return);
    wrmsr(APIC_ICR, (uint64_t)machine.apic_ids[0] << 32 | 0x4400);
}
// `wedge:KIND`: undefined (default), debug, nmi-return, timer, console, icr, wbinvd, sipi-anywhere
void attack_wedge(const char *argument) {
    announce("wedge", argument);
    if (equal(argument, "debug")) {
        debug_loop();
    } else if (equal(argument, "nmi-return")) {
        return_loop();
    } else if (equal(argument, "timer")) {
        wrmsr(APIC_DIVIDE, 11);
        wrmsr(APIC_LVT_TIMER, 1 << 17 | 0x70);
        // Not shorter: QEMU's own main loop, which fires the timers, would do nothing else any more.
        wrmsr(APIC_INITIAL, 20000);
        interrupts_on();
        for (;;) asm volatile("hlt");
    } else if (equal(argument, "console")) {
        for (uint64_t i = 0;; i++) out8(0x3F8, (uint8_t)i | 0x40);
    } else if (equal(argument, "icr")) {
        for (uint64_t i = 0;; i++) try_wrmsr(APIC_ICR, i % 64 << 32 | 0x4000 | (i % 8) << 8 | 3u << 18);
    } else if (equal(argument, "wbinvd")) {
        for (;;) asm volatile(GUARDED("wbinvd")::: "memory");
    } else if (equal(argument, "sipi-anywhere") && machine.processor_count > 1) {
        for (uint64_t page = 0; page < 256; page++) {
            wrmsr(APIC_ICR, (uint64_t)machine.apic_ids[1] << 32 | 0x4500);
            delay_us(200);
            wrmsr(APIC_ICR, (uint64_t)machine.apic_ids[1] << 32 | 0x4600 | page);
            delay_us(1000);
        }
    } else {
        undefined_loop();
    }
    survived("wedge", argument);
}

static void second_triple(uint32_t index) {
    (void)index;
    load_table((struct table_pointer){0, 0});
    asm volatile("int3");
}
// `triple:KIND`: null-table (default), stack, map, second
void attack_triple(const char *argument) {
    static _Alignas(4096) uint64_t empty[512];
    announce("triple", argument);
    interrupts_off();
    if (equal(argument, "stack")) {
        // No handler can push: every gate without a stack of its own, RSP where nothing is mapped.
        gates_without_stacks();
        asm volatile("movq $0x30000000000, %%rsp\n\tpushq $0" ::: "memory");
    } else if (equal(argument, "map")) {
        write_cr3((uint64_t)empty);
    } else if (equal(argument, "second") && machine.processor_count > 1) {
        start_processor(1, second_triple);
        delay_us(1000000);
    } else {
        load_table((struct table_pointer){0, 0});
        asm volatile("int3");
    }
    survived("triple", argument);
}
// A guest that gave up: it says so and halts for ever.
void attack_panic(const char *argument) {
    announce("panic", argument);
    print("Kernel panic - not syncing: this guest gives up\n");
    for (;;) asm volatile("cli\n\thlt");
}
