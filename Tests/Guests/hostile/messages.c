// (d) Interrupt messages of this partition's functions, aimed at others: `messages`.
#include "functions.h"

#define VECTOR 0x71

static uint32_t slot, capability;
static bool is_wide;

static void program(uint64_t address, uint32_t data, bool on) {
    config_write(slot, capability + 4, (uint32_t)address);
    if (is_wide) config_write(slot, capability + 8, (uint32_t)(address >> 32));
    config_write(slot, capability + (is_wide ? 12 : 8), data);
    uint32_t control = config_read(slot, capability) & ~(0x71u << 16);
    config_write(slot, capability, control | (on ? 1u << 16 : 0));
}
// What comes of the engine's interrupt with such a message: on which vectors, and whether it is an NMI.
static void send(const char *name, uint64_t address, uint32_t data) {
    char whole[40];
    uint64_t own = 0, others = 0, nmis = interrupts[2], before[256];
    for (uint32_t v = 0; v < 256; v++) before[v] = interrupts[v];
    format_into(whole, sizeof whole, "message-%s", name);
    announce("messages", name);
    program(address, data, true);
    interrupts_on();
    for (int i = 0; i < 5; i++) {
        engine_interrupt(true);
        delay_us(10000);
        engine_interrupt(false);
    }
    interrupts_off();
    program(0, 0, false);
    for (uint32_t v = 32; v < 256; v++)
        if (v == VECTOR) own += interrupts[v] - before[v];
        else others += interrupts[v] - before[v];
    attempt(whole, "%lu-own,%lu-other,%lu-nmis", own, others, interrupts[2] - nmis);
}
static const struct {
    const char *name;
    uint64_t address;
    uint32_t data;
} messages[] = {
    {"first-core", 0xFEE00000, VECTOR}, {"neighbour", 0xFEE01000, VECTOR}, {"no-core", 0xFEE04000, VECTOR},
    {"broadcast", 0xFEEFF000, VECTOR}, {"logical", 0xFEEFF004, VECTOR}, {"redirected", 0xFEEFF00C, VECTOR},
    {"wide", 0xFFFFFF00FEE00000, VECTOR}, {"nmi-broadcast", 0xFEEFF000, 0x400}, {"init-broadcast", 0xFEEFF000, 0x500},
    {"smi-first-core", 0xFEE00000, 0x200}, {"nmi-neighbour", 0xFEE01000, 0x400}, {"init-neighbour", 0xFEE01000, 0x500},
    {"remappable", 0xFEE00010, 0},
    {"memory", 0x10000000, VECTOR}, {"own-memory", 0x02000000, VECTOR}, {"ioapic", 0xFEC00000, VECTOR},
    {"above", 0x10FEE00000, VECTOR},
};

// Entries of the MSI-X table of the entropy source, written in every shape; the pending bits beside them too.
static void table(void) {
    uint32_t rng = find_function(ENTROPY_ID), at = rng ? find_capability(rng, 0x11, 0) : 0;
    announce("messages", "table");
    if (!at) return attempt("message-table", "no-table");
    uint32_t location = config_read(rng, at + 4), pending = config_read(rng, at + 8);
    uint32_t entries = (config_read(rng, at) >> 16 & 0x7FF) + 1;
    volatile uint8_t *entry = (volatile uint8_t *)(bar_address(rng, location & 7) + (location & ~7u));
    volatile uint8_t *bits = (volatile uint8_t *)(bar_address(rng, pending & 7) + (pending & ~7u));
    uint64_t seed = 0x4D51, seen, faults = 0, nmis = interrupts[2];
    config_write(rng, at, config_read(rng, at) | 1u << 31);
    for (uint32_t round = 0; round < 200; round++) {
        uint64_t value = next_random(&seed), word = round % 4 ? value : 0xFEE00000 | value >> 44 << 12;
        volatile uint8_t *place = entry + value % (entries * 16);
        switch (round % 6) {
        case 0: *place = (uint8_t)word; break;
        case 1: *(volatile uint16_t *)place = (uint16_t)word; break;
        case 2: *(volatile uint32_t *)place = (uint32_t)word; break;
        case 3: *(volatile uint64_t *)((uint64_t)place & ~7ull) = word; break;
        case 4: asm volatile("lock xaddl %%eax, (%0)" ::"r"((uint64_t)place & ~3ull), "a"((uint32_t)word) : "memory"); break;
        default: faults += try_write(bits, word) >= 0; faults += try_read(bits, &seen) >= 0;
        }
    }
    // An entry of NMIs for everybody, unmasked, and an interrupt of the device on it.
    for (uint32_t i = 0; i < entries; i++) {
        volatile uint32_t *words = (volatile uint32_t *)(entry + i * 16);
        words[0] = 0xFEEFF000, words[1] = 0, words[2] = 0x400, words[3] = 0;
    }
    static volatile uint64_t target[2];
    bool works = entropy_start() && entropy_write((uint64_t)target, 8);
    config_write(rng, at, config_read(rng, at) & ~(1u << 31));
    attempt("message-table", "%u-entries,%lu-faults,%lu-nmis,%s", entries, faults, interrupts[2] - nmis, works ? "works" : "dead");
}

void attack_messages(const char *argument) {
    (void)argument;
    slot = find_function(ENGINE_ID);
    capability = slot ? find_capability(slot, 5, 0) : 0;
    if (!capability || !engine_ready()) return attempt("message-own", "no-messages");
    is_wide = config_read(slot, capability) >> 23 & 1;
    uint64_t here = 0xFEE00000 | (uint64_t)machine.apic_ids[0] << 12;
    send("own", here, VECTOR);
    static const struct {
        const char *name;
        uint32_t data;
    } modes[] = {{"smi", 0x200}, {"reserved-mode", 0x300 | VECTOR}, {"nmi", 0x400}, {"init", 0x500}, {"extint", 0x700},
                 {"level", 0xC000 | VECTOR}, {"low-vector", 2}, {"high-data", 0xFFFF0000 | VECTOR}};
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) send(modes[i].name, here, modes[i].data);
    // The second vCPU is not started.
    send("second", 0xFEE00000 | (uint64_t)machine.apic_ids[1] << 12, VECTOR);
    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++)
        send(messages[i].name, messages[i].address, messages[i].data);
    table();
    send("own-again", here, VECTOR);
}
