// (d) Every I/O port, by every width and by string instructions. A port that nobody granted reads all-ones and ignores
// writes. The platform's own ports are left out of the reading, and bytes that would reset or power off out of the
// writing: those are attacks of their own.
#include "attack.h"

static bool within(uint32_t port, uint32_t bytes, uint32_t first, uint32_t last) {
    return port <= last && port + bytes > first;
}
// A partition without a watchdog has nothing at its ports.
static bool has_watchdog(void) { return in8(0x508) != 0xFF; }
// UART, RTC, keyboard controller's reset, panic device, sleep control and status, reset register.
static bool modelled(uint32_t port, uint32_t bytes) {
    return within(port, bytes, 0x3F8, 0x3FF) || within(port, bytes, 0x70, 0x71) || within(port, bytes, 0x64, 0x64) ||
           within(port, bytes, 0x505, 0x505) || within(port, bytes, 0x604, 0x605) || within(port, bytes, 0xCF9, 0xCF9) ||
           (within(port, bytes, 0x508, 0x509) && has_watchdog());
}
// The byte that an access of `value` at `port` puts at `target`, or -1.
static int byte_at(uint32_t port, uint32_t bytes, uint32_t value, uint32_t target) {
    return within(port, bytes, target, target) ? (int)(value >> (target - port) * 8 & 0xFF) : -1;
}
static bool ends_guest(uint32_t port, uint32_t bytes, uint32_t value) {
    int reset = byte_at(port, bytes, value, 0xCF9), sleep = byte_at(port, bytes, value, 0x604);
    int sleep_high = byte_at(port, bytes, value, 0x605), keyboard = byte_at(port, bytes, value, 0x64);
    int fast = byte_at(port, bytes, value, 0x92), panic = byte_at(port, bytes, value, 0x505);
    return (reset >= 0 && reset & 4) || (sleep >= 0 && sleep & 0x20) || (sleep_high >= 0 && sleep_high & 0x20) ||
           (fast >= 0 && fast & 1) || (panic >= 0 && panic & 1) || (keyboard >= 0xF0 && !(keyboard & 1));
}

static void read_all(const char *name, uint32_t bytes) {
    uint32_t ones = 0, others = 0, faults = 0, value;
    uint32_t all = bytes == 4 ? ~0u : (1u << bytes * 8) - 1;
    for (uint32_t port = 0; port < 0x10000; port++) {
        if (modelled(port, bytes)) continue;
        if (try_in((uint16_t)port, (int)bytes, &value) >= 0) faults++;
        else if (value == all) ones++;
        else {
            others++;
            finding(name, "port=%04x value=%x", port, value);
        }
    }
    attempt(name, "%u-ones,%u-other,%u-fault", ones, others, faults);
}
static void write_all(const char *name, uint32_t bytes) {
    static const uint32_t patterns[] = {0, ~0u, 0x5AA5C33C};
    uint32_t ignored = 0, faults = 0, left_out = 0;
    uint64_t before = 0, after = 0;
    for (uint32_t i = 0; i < 256; i++) before += i == 0x20 ? 0 : interrupts[i];
    announce(name, "");
    for (uint32_t port = 0; port < 0x10000; port++) {
        for (int i = 0; i < 3; i++) {
            if (ends_guest(port, bytes, patterns[i]) || within(port, bytes, 0x3F8, 0x3FF)) left_out++;
            else if (try_out((uint16_t)port, (int)bytes, patterns[i]) >= 0) faults++;
            else ignored++;
        }
    }
    for (uint32_t i = 0; i < 256; i++) after += i == 0x20 ? 0 : interrupts[i];
    attempt(name, "%u-ignored,%u-fault,%u-left-out,%lu-interrupts", ignored, faults, left_out,
            after - before);
}
// QEMU itself, with no hypervisor between: it ends with a failed assertion when a wide write straddles its UART.
static bool bare_emulator(void) {
    return !(cpuid(1, 0).ecx >> 31) || cpuid(0x40000000, 0).ebx == 0x54474354;  // "TCGT"
}
// The console's own registers with garbage, then as they were.
static void uart(void) {
    static const uint8_t patterns[] = {0x00, 0xFF, 0x5A, 0x80, 0x10};
    uint8_t kept[8];
    for (uint16_t i = 1; i < 8; i++) kept[i] = in8(0x3F8 + i);
    for (uint16_t i = 1; i < 8; i++)
        for (size_t p = 0; p < sizeof patterns; p++) {
            out8(0x3F8 + i, patterns[p]);
            for (uint16_t j = 1; j < 8; j++) in8(0x3F8 + j);
            if (i <= 4 || !bare_emulator()) try_out(0x3F8 + i, 4, 0x5A5A5A00u | patterns[p]);
            out8(0x3FB, 0x03);
        }
    out8(0x3FB, kept[3]);
    out8(0x3F9, kept[1]);
    out8(0x3FA, 0);
    out8(0x3FC, kept[4]);
    bool same = in8(0x3FB) == kept[3] && in8(0x3FC) == kept[4];
    attempt("port-uart", same ? "registers-restored" : "registers-lost");
}
// The watchdog of the manifest: every value in both registers, wide and straddling accesses, and kicks without end. It keeps
// its own deadline alone; whoever looks for that must not be kept busy by it.
void attack_watchdog(const char *argument) {
    (void)argument;
    announce("watchdog-registers", "");
    if (!has_watchdog()) return attempt("watchdog-registers", "no-watchdog");
    uint32_t value, running = 0, stopped = 0, kept = 0, wide = 0;
    for (uint32_t i = 0; i < 256; i++) {
        out8(0x508, 1), running += in8(0x508) == 1;
        out8(0x509, (uint8_t)i), kept += in8(0x509) == (i ? i : 1) && in8(0x508) == 1;
        out8(0x508, (uint8_t)(i == 1 ? 0 : i)), stopped += in8(0x508) == 0;
    }
    for (uint32_t port = 0x505; port <= 0x509; port++)
        for (int bytes = 2; bytes <= 4; bytes += 2) {
            if (port > 0x505) try_out((uint16_t)port, bytes, 0x01010101);
            if (try_in((uint16_t)port, bytes, &value) < 0 && value == (bytes == 4 ? ~0u : 0xFFFF)) wide++;
        }
    attempt("watchdog-registers", "%u-of-256-run,%u-of-256-kept,%u-of-256-stop,%u-of-10-ones,%s", running, kept, stopped, wide,
            in8(0x508) == 0 ? "stopped" : "started");
    announce("watchdog-kicks", "");
    for (uint32_t i = 0; i < 50000; i++) out8(0x508, 1), out8(0x509, (uint8_t)(i | 0x80));
    attempt("watchdog-kicks", in8(0x508) == 1 ? "runs" : "stopped");
    out8(0x508, 0);
}
void attack_ports(const char *argument) {
    (void)argument;
    read_all("port-in8", 1);
    read_all("port-in16", 2);
    read_all("port-in32", 4);
    uart();
    write_all("port-out8", 1);
    write_all("port-out16", 2);
    write_all("port-out32", 4);
    out8(0x21, 0xFF), out8(0xA1, 0xFF);
    read_all("port-in8-again", 1);
    read_all("port-in32-again", 4);
}

// String instructions: a hypervisor that carries them out itself must walk the guest's tables, stay in its memory and
// bound its loop. Each is run on a port that nobody has.
asm(".text\n"
    "string_insb: insb\n jmp probe_done\n"
    "string_insl: insl\n jmp probe_done\n"
    "string_outsb: outsb\n jmp probe_done\n"
    "string_rep_insb: rep insb\n jmp probe_done\n"
    "string_rep_insl: rep insl\n jmp probe_done\n"
    "string_rep_outsb: rep outsb\n jmp probe_done\n"
    "string_rep_insb_down: std\n rep insb\n cld\n jmp probe_done\n"
    "string_rep_insb_32: .byte 0x67\n rep insb\n jmp probe_done\n"
    "string_gs_outsb: .byte 0x65\n outsb\n jmp probe_done\n");
extern const char string_insb[], string_insl[], string_outsb[], string_rep_insb[], string_rep_insl[], string_rep_outsb[],
    string_rep_insb_down[], string_rep_insb_32[], string_gs_outsb[];

static uint8_t landing[16384];

static void string_one(const char *name, const char *code, struct registers r, uint32_t landed) {
    memset(landing, 0x11, sizeof landing);
    announce(name, "");
    int vector = probe_run(code, &r);
    uint32_t changed = 0, wrong = 0;
    for (uint32_t i = 0; i < sizeof landing; i++) {
        if (landing[i] != 0x11) changed++;
        if (landing[i] != 0x11 && landing[i] != 0xFF) wrong++;
    }
    bool whole = vector < 0 ? changed == landed : changed <= landed;
    attempt(name, "%s,%s,%u-bytes,%u-wrong,rcx=%lx", vector_name(vector), whole ? "whole" : "partial", changed, wrong,
            probe_after.rcx);
}
static void strings_inside(void) {
    const uint64_t here = (uint64_t)landing, port = 0x1234;
    string_one("port-insb", string_insb, (struct registers){.rdi = here, .rdx = port}, 1);
    string_one("port-insl", string_insl, (struct registers){.rdi = here, .rdx = port}, 4);
    string_one("port-outsb", string_outsb, (struct registers){.rsi = here, .rdx = port}, 0);
    string_one("port-rep-insb", string_rep_insb, (struct registers){.rdi = here, .rdx = port, .rcx = 9000}, 9000);
    string_one("port-rep-insl", string_rep_insl, (struct registers){.rdi = here + 1, .rdx = port, .rcx = 3000}, 12000);
    string_one("port-rep-insb-none", string_rep_insb, (struct registers){.rdi = here, .rdx = port, .rcx = 0}, 0);
    string_one("port-rep-outsb", string_rep_outsb, (struct registers){.rsi = here, .rdx = port, .rcx = 9000}, 0);
    string_one("port-rep-insb-down", string_rep_insb_down,
               (struct registers){.rdi = here + 8999, .rdx = port, .rcx = 5000}, 5000);
    string_one("port-rep-insb-32", string_rep_insb_32,
               (struct registers){.rdi = 0xFFFFFFFF00000000 | here, .rdx = port, .rcx = 100}, 100);
    string_one("port-gs-outsb", string_gs_outsb, (struct registers){.rsi = here, .rdx = port}, 0);
    // Addresses that are mapped nowhere or are not canonical: a fault, and nothing changed.
    string_one("port-insb-unmapped", string_insb, (struct registers){.rdi = 0x30000000000, .rdx = port}, 0);
    string_one("port-insb-noncanonical", string_insb, (struct registers){.rdi = 0x8000000000000000, .rdx = port}, 0);
    string_one("port-rep-insb-wraps", string_rep_insb, (struct registers){.rdi = ~0ull, .rdx = port, .rcx = 16}, 0);
    string_one("port-rep-outsb-endless", string_rep_outsb,
               (struct registers){.rsi = 1ull << 32, .rdx = port, .rcx = ~0ull}, 0);
}
// With `port-string-outside:WHERE`: data moved between a port and memory that is not ours.
void attack_port_strings(const char *argument) {
    if (!*argument) {
        strings_inside();
        return;
    }
    uint64_t outside = (uint64_t)map_outside(argument);
    announce("port-string-outside", argument);
    string_one("port-insb-outside", string_insb, (struct registers){.rdi = outside, .rdx = 0x1234}, 0);
    string_one("port-rep-outsb-outside", string_rep_outsb,
               (struct registers){.rsi = outside, .rdx = 0x3F8 + 7, .rcx = 64}, 0);
    survived("port-string-outside", argument);
}
