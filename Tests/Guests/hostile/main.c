// Reads which attacks to run from the command line (`attack=a,b:argument`) or, with `attack=ask` or nothing, one a line
// from the console: so a partition that restarts after each deadly attack serves a whole suite in one boot of the
// machine. Console: `@hostile start ...`, `@ready`, the attempts, `@done N attempts`.
#include "attack.h"
#include <stdarg.h>

const struct attack attacks[] = {
    {"residue", attack_residue, false},
    {"cpuid", attack_cpuid, false},
    {"instructions", attack_instructions, false},
    {"registers", attack_registers, false},
    {"reserved", attack_reserved, false},
    {"steps", attack_steps, false},
    {"stepping", attack_stepping, false},
    {"msrs", attack_msrs, false},
    {"ports", attack_ports, false},
    {"port-strings", attack_port_strings, false},
    {"watchdog", attack_watchdog, false},
    {"apic", attack_apic, false},
    {"ipis", attack_ipis, false},
    {"own-ipis", attack_own_ipis, false},
    {"storms", attack_storms, false},
    {"tables", attack_tables, false},
    {"pci", attack_pci, false},
    {"firmware", attack_firmware, false},
    {"hypercalls", attack_hypercalls, false},
    {"calls", attack_calls, false},
    {"operands", attack_operands, false},
    // For partitions with devices alone.
    {"dma", attack_dma, true},
    {"engine", attack_engine, true},
    {"entropy", attack_entropy, true},
    {"forge", attack_forge, true},
    {"config", attack_config, true},
    {"bars", attack_bars, true},
    {"messages", attack_messages, true},
    {"race", attack_race, true},
    {"virtio", attack_virtio, true},
    {"wire", attack_wire, true},
    {"port", attack_port, true},
    {"memory", attack_memory, true},
    {"residue-outside", attack_residue_outside, true},
    {"port-string-outside", attack_port_strings, true},
    {"mode", attack_mode, true},
    {"machine-checks-on", attack_machine_checks_on, true},
    {"task-switch", attack_task_switch, true},
    {"storm", attack_storm, true},
    {"spin", attack_spin, true},
    {"wedge", attack_wedge, true},
    {"triple", attack_triple, true},
    {"panic", attack_panic, true},
    {"fault", attack_fault, true},
    {"loader", attack_loader, true},
    {"module", attack_module, true},
    {"second", attack_second, true},
    {"reset", attack_reset, true},
    {"poweroff", attack_power_off, true},
};
const size_t attack_count = sizeof attacks / sizeof attacks[0];
volatile uint64_t interrupts[256];
static uint32_t attempts, findings;

void on_interrupt(uint32_t processor, uint32_t vector) {
    (void)processor;
    __atomic_fetch_add(&interrupts[vector], 1, __ATOMIC_RELAXED);
}
void on_exception(uint32_t processor, const struct frame *frame) {
    print("@abort cpu=%u vector=%s error=%lx rip=%lx rsp=%lx cr2=%lx\n", processor, vector_name((int)frame->vector),
          frame->error, frame->rip, frame->rsp, read_cr2());
}

void attempt(const char *name, const char *seen, ...) {
    va_list arguments;
    va_start(arguments, seen);
    print("@attempt %s seen=", name);
    print_list(seen, arguments);
    print("\n");
    va_end(arguments);
    attempts++;
    findings = 0;
}
void finding(const char *name, const char *format, ...) {
    if (findings++ >= 24) return;
    va_list arguments;
    va_start(arguments, format);
    print("@finding %s ", name);
    print_list(format, arguments);
    print("\n");
    va_end(arguments);
}
void announce(const char *name, const char *argument) { print("@try %s%s%s\n", name, *argument ? ":" : "", argument); }
void survived(const char *name, const char *argument) {
    print("@survived %s%s%s\n", name, *argument ? ":" : "", argument);
}
uint64_t own_checksum(void) {
    uint64_t sum = 0;
    extern char text_end[];
    for (const uint64_t *at = (const uint64_t *)image_start; at < (const uint64_t *)text_end; at++)
        sum = (sum << 7 | sum >> 57) ^ *at;
    return sum;
}

static void run_all(void) {
    for (size_t i = 0; i < attack_count; i++)
        if (!attacks[i].deadly) attacks[i].run("");
}
// Runs a list of attacks, separated by commas; the text is cut up.
static void run_list(char *list) {
    attempts = 0;
    uint64_t program = own_checksum();
    while (*list) {
        char *end = list, *colon = nullptr;
        for (; *end && *end != ','; end++)
            if (*end == ':' && !colon) colon = end;
        char *next = *end ? end + 1 : end;
        *end = 0;
        if (colon) *colon = 0;
        const struct attack *found = nullptr;
        for (size_t i = 0; i < attack_count; i++)
            if (equal(attacks[i].name, list)) found = &attacks[i];
        if (found) found->run(colon ? colon + 1 : "");
        else if (equal(list, "all")) run_all();
        else print("@unknown %s\n", list);
        list = next;
    }
    attempt("own-program", "%s", own_checksum() == program ? "unchanged" : "changed");
    print("@done %u attempts\n", attempts);
}
static void read_line(char *line, size_t capacity) {
    size_t used = 0;
    for (;;) {
        int c = console_get();
        if (c < 0) delay_us(2000);
        else if (c == '\n' || c == '\r') {
            if (used) break;
        } else if (used + 1 < capacity) line[used++] = (char)c;
    }
    line[used] = 0;
}

void guest_main(void) {
    static char list[512];
    // A line of its own, whatever the life before this one was printing.
    print("\n@hostile start cpus=%u memory_end=%lx loader=%s tsc_khz=%lu\n", machine.processor_count, low_memory_end(),
          machine.multiboot ? "multiboot" : "pvh", machine.tsc_khz);
    if (option("attack", list, sizeof list) && !equal(list, "ask")) run_list(list);
    for (;;) {
        print("@ready\n");
        read_line(list, sizeof list);
        run_list(starts_with(list, "attack=") ? list + 7 : list);
    }
}
