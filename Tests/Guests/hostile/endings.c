// (h) Resets and power-offs, by every path that a PC has known. One a boot, or one a restart.
#include "attack.h"

struct __attribute__((packed)) address {
    uint8_t space, width, offset, access;
    uint64_t address;
};
static void write_address(const uint8_t *at, uint8_t value) {
    const struct address *a = (const struct address *)at;
    print("@note register space=%u address=%lx value=%x\n", a->space, a->address, value);
    if (a->space == 1) out8((uint16_t)a->address, value);
    else if (a->space == 0 && a->address) *(volatile uint8_t *)a->address = value;
}
static void null_table(void) {
    static const struct table_pointer none = {0, 0};
    asm volatile("lidt %0\n\tint3" ::"m"(none));
}
static void by_fadt(size_t offset, uint8_t value) {
    const uint8_t *fadt = find_table("FACP");
    if (fadt && *(const uint32_t *)(fadt + 4) >= offset + 12) write_address(fadt + offset, value);
}
extern const char real_mode_begin[], real_mode_end[];
static void by_real_mode(void) {
    memcpy((void *)0x9000, real_mode_begin, (size_t)(real_mode_end - real_mode_begin));
    ((void (*)(void))0x9000)();
}

static void make_exits(uint32_t index) {
    (void)index;
    for (int i = 0; i < 20; i++) asm volatile("wbinvd" ::: "memory");
    for (;;) pause();
}
static void fall(uint32_t index) {
    (void)index;
    null_table();
}
// `second:KIND`: the second vCPU leaves exits that a crash record would list, or triple faults at once.
void attack_second(const char *argument) {
    announce("second", argument);
    start_processor(1, equal(argument, "triple") ? fall : make_exits);
    delay_us(1000000);
    survived("second", argument);
}
// `reset:KIND`
void attack_reset(const char *argument) {
    announce("reset", argument);
    interrupts_off();
    uint64_t self = (uint64_t)machine.apic_ids[0] << 32;
    if (equal(argument, "cf9")) out8(0xCF9, 6);
    else if (equal(argument, "cf9-full")) out8(0xCF9, 2), out8(0xCF9, 0xE);
    else if (equal(argument, "cf9-wide")) out32(0xCF8, 0x600);
    else if (equal(argument, "keyboard")) out8(0x64, 0xFE);
    else if (equal(argument, "fast")) out8(0x92, in8(0x92) | 1);
    else if (equal(argument, "fadt")) {
        const uint8_t *fadt = find_table("FACP");
        if (fadt) by_fadt(116, fadt[128]);
    } else if (equal(argument, "triple")) null_table();
    else if (equal(argument, "rom")) by_real_mode();
    else if (equal(argument, "init-self")) try_wrmsr(APIC_ICR, self | 0x4500);
    else if (equal(argument, "init-all")) try_wrmsr(APIC_ICR, 2u << 18 | 0x4500);
    else if (equal(argument, "init-broadcast")) try_wrmsr(APIC_ICR, 0xFFFFFFFFull << 32 | 0x4500);
    else if (equal(argument, "startup-self")) try_wrmsr(APIC_ICR, self | 0x4608);
    else print("@unknown reset:%s\n", argument);
    delay_us(1000000);
    survived("reset", argument);
}
// `poweroff:KIND`
void attack_power_off(const char *argument) {
    announce("poweroff", argument);
    interrupts_off();
    if (equal(argument, "sleep")) out8(0x604, 5 << 2 | 1 << 5);
    else if (equal(argument, "fadt")) by_fadt(244, 5 << 2 | 1 << 5);
    else if (equal(argument, "pm1")) out16(0x604, 1 << 13 | 5 << 10);
    else if (equal(argument, "pm1-0")) out16(0x604, 1 << 13);
    else if (equal(argument, "bochs")) {
        for (const char *c = "Shutdown"; *c; c++) out8(0x8900, (uint8_t)*c);
    } else if (equal(argument, "old-qemu")) out16(0xB004, 0x2000);
    else if (equal(argument, "virtualbox")) out16(0x4004, 0x3400);
    else if (equal(argument, "cloud")) out16(0x600, 0x34);
    else if (equal(argument, "debug-exit")) out8(0xF4, 0x10), out8(0x501, 0x31);
    else if (equal(argument, "other-states")) {
        // S1 to S4 and what does not exist: no state this platform has.
        for (uint8_t type = 0; type < 8; type++)
            if (type != 5) out8(0x604, (uint8_t)(type << 2 | 1 << 5));
    } else print("@unknown poweroff:%s\n", argument);
    delay_us(1000000);
    survived("poweroff", argument);
}
// `mode:KIND`: one bit of a control register that long mode forbids to change. A fault is the silicon's answer.
void attack_mode(const char *argument) {
    announce("mode", argument);
    interrupts_off();
    uint64_t cr0 = read_cr0(), cr4 = read_cr4(), efer = rdmsr(0xC0000080);
    int vector = -2;
    if (equal(argument, "paging")) vector = try_write_cr0(cr0 & ~(1ull << 31));
    else if (equal(argument, "protection")) vector = try_write_cr0(cr0 & ~1ull);
    else if (equal(argument, "pae")) vector = try_write_cr4(cr4 & ~(1ull << 5));
    else if (equal(argument, "la57")) vector = try_write_cr4(cr4 ^ 1ull << 12);
    else if (equal(argument, "vmxe")) vector = try_write_cr4(cr4 | 1ull << 13);
    else if (equal(argument, "cr4-ones")) vector = try_write_cr4(~0ull);
    else if (equal(argument, "cr4-high")) vector = try_write_cr4(cr4 | 1ull << 40);
    else if (equal(argument, "cr3-high")) vector = try_write_cr3(read_cr3() | 1ull << 51);
    else if (equal(argument, "cr3-outside")) vector = try_write_cr3(low_memory_end());
    else if (equal(argument, "lme")) vector = try_wrmsr(0xC0000080, efer & ~(1ull << 8));
    else if (equal(argument, "lma")) vector = try_wrmsr(0xC0000080, efer & ~(1ull << 10));
    else if (equal(argument, "efer-zero")) vector = try_wrmsr(0xC0000080, 0);
    else if (equal(argument, "efer-ones")) vector = try_wrmsr(0xC0000080, ~0ull);
    else if (equal(argument, "all-zero")) vector = try_write_cr0(0);
    else if (equal(argument, "not-write-through")) vector = try_write_cr0(cr0 | 1ull << 29);
    else print("@unknown mode:%s\n", argument);
    // An exit straight after: an inconsistent state shows when the guest is entered again.
    cpuid(0, 0);
    bool unchanged = read_cr0() == cr0 && read_cr4() == cr4 && rdmsr(0xC0000080) == efer;
    attempt("mode", "%s,%s", vector_name(vector), unchanged ? "unchanged" : "changed");
    try_write_cr0(cr0), try_write_cr4(cr4), try_wrmsr(0xC0000080, efer);
}
// `task-switch`: 32-bit code that switches tasks by hardware, then resets. A hypervisor on a processor that hands every
// task switch to it may end the guest, as no system uses them.
extern const char task_switch_begin[], task_switch_end[];
void attack_task_switch(const char *argument) {
    announce("task-switch", argument);
    interrupts_off();
    memcpy((void *)0x9000, task_switch_begin, (size_t)(task_switch_end - task_switch_begin));
    ((void (*)(void))0x9000)();
}
