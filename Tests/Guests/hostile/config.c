// (d) The configuration space of this partition's functions, written with everything: `config`.
#include "functions.h"

static const uint32_t ids[] = {ENGINE_ID, ENTROPY_ID};

// The BARs are where they were, and the devices still work.
static uint64_t bars_before[2][6];
static void note_bars(void) {
    for (int f = 0; f < 2; f++)
        for (uint32_t bar = 0; bar < 6; bar++) bars_before[f][bar] = config_read(find_function(ids[f]), 0x10 + bar * 4);
}
static bool bars_kept(void) {
    bool kept = true;
    for (int f = 0; f < 2; f++) {
        uint32_t slot = find_function(ids[f]);
        for (uint32_t bar = 0; bar < 6; bar++) kept = kept && config_read(slot, 0x10 + bar * 4) == bars_before[f][bar];
    }
    return kept;
}
static const char *works(void) {
    static volatile uint64_t target[2];
    target[0] = 0x1122334455667788, target[1] = 0;
    bool engine = engine_ready() && engine_read((uint64_t)&target[0], 8) && engine_write((uint64_t)&target[1], 8);
    return engine && target[1] == target[0] && entropy_start() && entropy_write((uint64_t)target, 8) ? "works" : "dead";
}

// Every function of every bus, by ports and by memory: ours and the host bridge, no bridge to another bus.
static void others(void) {
    uint32_t found = 0, bridges = 0, foreign = 0;
    announce("config", "others");
    for (uint32_t function = 0; function < 65536; function++) {
        out32(CONFIG_ADDRESS, 1u << 31 | function << 8);
        uint32_t id = in32(CONFIG_DATA);
        if (id == ~0u) continue;
        found++;
        out32(CONFIG_ADDRESS, 1u << 31 | function << 8 | 0xC);
        if ((in32(CONFIG_DATA) >> 16 & 0x7F) == 1) bridges++;
        if (function && id != ENGINE_ID && id != ENTROPY_ID) foreign++;
    }
    attempt("config-others", "%u-found,%u-bridges,%u-foreign", found, bridges, foreign);
    uint32_t by_memory = 0;
    announce("config", "memory");
    for (uint64_t function = 0; function < 65536; function += function < 256 ? 1 : 8) {
        uint64_t seen = 0;
        if (try_read(map_outside_address(ECAM + (function << 12)), &seen) < 0 && (uint32_t)seen != ~0u) by_memory++;
    }
    attempt("config-memory", "%u-found", by_memory);
}
// Where a driver would move a BAR: over its own memory, a neighbour's, the local APIC, the interrupts' range, nowhere.
static void relocation(void) {
    static const uint32_t places[] = {0, 0x02000000, 0x10000000, 0x80000000, 0xC0000000, 0xE0000000, 0xFEC00000,
                                      0xFED90000, 0xFEE00000, 0xFFFFFFFF, 0xFFFFFFF0, 0x00000001};
    static volatile uint64_t canary = 0x1122334455667788;
    uint32_t moved = 0, tried = 0;
    announce("config", "relocation");
    for (int f = 0; f < 2; f++) {
        uint32_t slot = find_function(ids[f]);
        for (uint32_t reg = 0x10; reg <= 0x30; reg += 4)
            for (size_t i = 0; i < sizeof places / sizeof places[0]; i++, tried++) {
                uint32_t before = config_read(slot, reg);
                config_write(slot, reg, places[i]);
                uint32_t after = config_read(slot, reg);
                // All ones give the size, which is no place.
                bool asked = places[i] == ~0u || (places[i] & ~0xFu) == 0xFFFFFFF0;
                if (after != before && !asked) moved++, finding("config-relocation", "reg=%x now=%08x", reg, after);
                config_write(slot, reg, before);
            }
    }
    attempt("config-relocation", "%u-tried,%u-moved,%s,%s", tried, moved,
            canary == 0x1122334455667788 ? "own-kept" : "own-lost", bars_kept() ? "bars-kept" : "bars-moved");
    attempt("config-relocation-after", "%s", works());
}
// 1, 2 or 4 bytes somewhere in a register, by ports or by memory.
static void write_part(uint32_t slot, uint32_t reg, uint32_t value, bool memory) {
    uint32_t width = value % 3, offset = width == 0 ? value >> 8 & 3 : width == 1 ? value >> 8 & 2 : 0;
    volatile uint8_t *at = (volatile uint8_t *)config_memory(slot, reg) + offset;
    uint16_t port = (uint16_t)(CONFIG_DATA + offset);
    if (!memory) out32(CONFIG_ADDRESS, 1u << 31 | slot << 11 | reg);
    if (width == 0 && memory) *at = (uint8_t)value;
    else if (width == 0) out8(port, (uint8_t)value);
    else if (width == 1 && memory) *(volatile uint16_t *)at = (uint16_t)value;
    else if (width == 1) out16(port, (uint16_t)value);
    else if (memory) *(volatile uint32_t *)at = value;
    else out32(port, value);
}
// Every register with random values of every width; then its own driver's values again.
static void garbage(bool memory) {
    uint64_t seed = memory ? 0xECA : 0xCF8;
    announce("config", memory ? "ecam-garbage" : "garbage");
    for (int round = 0; round < 4; round++)
        for (int f = 0; f < 2; f++)
            for (uint32_t reg = 0; reg < (memory ? 4096 : 256); reg += 4)
                write_part(find_function(ids[f]), reg, (uint32_t)next_random(&seed), memory);
    for (int f = 0; f < 2; f++) {
        uint32_t slot = find_function(ids[f]);
        for (uint32_t bar = 0; bar < 6; bar++) config_write(slot, 0x10 + bar * 4, (uint32_t)bars_before[f][bar]);
        uint32_t power = find_capability(slot, 1, 0);
        if (power) config_write(slot, power + 4, 0);
        delay_us(20000);
    }
    const char *name = memory ? "config-ecam-garbage" : "config-garbage";
    attempt(name, "%s,%s", bars_kept() ? "bars-kept" : "bars-moved", works());
}
// Accesses that cross registers, pages and functions, locked and 8 bytes wide.
static void shapes(void) {
    uint32_t slot = find_function(ENGINE_ID), faults = 0;
    announce("config", "shapes");
    static const uint32_t offsets[] = {1, 2, 3, 5, 0xFD, 0xFFD, 0xFFC, 0xFF9};
    for (size_t i = 0; i < sizeof offsets / sizeof offsets[0]; i++) {
        volatile void *at = (volatile uint8_t *)config_memory(slot, 0) + offsets[i];
        uint64_t seen;
        if (try_read(at, &seen) >= 0) faults++;
        if (try_write(at, 0xA5A5A5A5A5A5A5A5) >= 0) faults++;
        asm volatile("lock addl $1, (%0)\n\txchgl %%eax, (%0)" ::"r"(at) : "rax", "memory");
    }
    for (uint16_t port = CONFIG_DATA; port < CONFIG_DATA + 4; port++) out32(port, 0xA5A5A5A5);
    out32(CONFIG_ADDRESS + 2, 0xFFFFFFFF), out8(CONFIG_ADDRESS, 0xFF), out16(CONFIG_ADDRESS + 1, 0xFFFF);
    for (uint32_t bar = 0; bar < 6; bar++) config_write(slot, 0x10 + bar * 4, (uint32_t)bars_before[0][bar]);
    attempt("config-shapes", "%u-faults,%s,%s", faults, bars_kept() ? "bars-kept" : "bars-moved", works());
}
// What is offered: of the first list power, messages, PCI Express and the maker's own; nothing that reaches past the
// IOMMU (ATS, PRI, PASID) or makes new functions (SR-IOV). What is not offered is written all the same, everywhere.
static void capabilities(void) {
    uint32_t odd = 0, extended = 0, tried = 0, kept = 0;
    announce("config", "capabilities");
    for (int f = 0; f < 2; f++) {
        uint32_t slot = find_function(ids[f]);
        uint32_t at = config_read(slot, 0x34) & 0xFC;
        for (int n = 0; at && n < 48; at = config_read(slot, at) >> 8 & 0xFC, n++) {
            uint32_t id = config_read(slot, at) & 0xFF;
            bool usual = id == 1 || id == 5 || id == 9 || id == 0x10 || id == 0x11;
            if (!usual) odd++, finding("config-capabilities", "id=%x", id);
        }
        at = 0x100;
        for (int n = 0; at >= 0x100 && n < 64; at = *config_memory(slot, at) >> 20, n++) {
            uint32_t id = *config_memory(slot, at) & 0xFFFF;
            if (id == 0xF || id == 0x13 || id == 0x1B || id == 0x10 || id == 0xD)
                extended++, finding("config-capabilities", "extended=%x", id);
        }
    }
    attempt("config-capabilities", "%u-odd,%u-extended", odd, extended);
    announce("config", "ats-pri");
    for (uint32_t reg = 0x100; reg < 0x1000; reg += 4, tried++) {
        volatile uint32_t *at = config_memory(find_function(ENTROPY_ID), reg);
        uint32_t before = *at;
        *at = 0x80008003;  // ATS enabled, PRI enabled, ...
        if (*at != before) kept++, finding("config-ats-pri", "reg=%x before=%08x now=%08x", reg, before, *at);
    }
    attempt("config-ats-pri", "%u-tried,%u-kept,%s", tried, kept, works());
}
// Power states and resets that a driver may ask its function for.
static void power(void) {
    uint32_t slot = find_function(ENTROPY_ID);
    uint32_t power = find_capability(slot, 1, 0), express = find_capability(slot, 0x10, 0);
    announce("config", "power");
    for (uint32_t state = 1; power && state < 4; state++) {
        config_write(slot, power + 4, state);
        delay_us(20000);
        config_write(slot, power + 4, 0);
        delay_us(20000);
    }
    attempt("config-power", "%s,%s,%s", power ? "offered" : "not-offered", bars_kept() ? "bars-kept" : "bars-moved",
            works());
    announce("config", "reset");
    if (express) config_write(slot, express + 8, config_read(slot, express + 8) | 1u << 15);
    delay_us(200000);
    attempt("config-reset", "%s,%s,%s", express ? "offered" : "not-offered", bars_kept() ? "bars-kept" : "bars-moved",
            works());
    // Everything off while the engine works, and what a function may not be asked.
    announce("config", "command");
    uint32_t engine = find_function(ENGINE_ID);
    for (uint32_t value = 0; value < 0x800; value++) config_write(slot, 4, value), config_write(engine, 4, value);
    uint32_t command = config_read(slot, 4) & 0xFFFF;
    attempt("config-command", "%x-last,%s,%s", command, bars_kept() ? "bars-kept" : "bars-moved", works());
}
// Without bus mastering nothing is moved.
static void mastering(void) {
    static volatile uint64_t target[2];
    announce("config", "mastering");
    target[0] = 0x1122334455667788, target[1] = 0;
    engine_ready(), engine_read((uint64_t)&target[0], 8);
    config_write(find_function(ENGINE_ID), 4, 2);
    engine_write((uint64_t)&target[1], 8);
    attempt("config-mastering", "%s,%s", target[1] == 0 ? "nothing" : "something", works());
}

void attack_config(const char *argument) {
    (void)argument;
    if (!find_function(ENGINE_ID) || !find_function(ENTROPY_ID)) return attempt("config-others", "no-functions");
    note_bars();
    others();
    relocation();
    capabilities();
    power();
    mastering();
    shapes();
    garbage(false);
    garbage(true);
    attempt("config-after", "%s,%s", bars_kept() ? "bars-kept" : "bars-moved", works());
}
