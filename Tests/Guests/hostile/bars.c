// (d) Base address registers: each place where a driver, or malice, would move one, in both of this partition's functions,
// with decoding off and on again behind it. Where a function answers stays what the firmware and the manifest said.
#include "functions.h"

static const struct {
    const char *name;
    uint32_t low, high;
} places[] = {
    {"nowhere", 0, 0}, {"own-memory", 0x02000000, 0}, {"neighbour", 0x20000000, 0}, {"low-memory", 0x00100000, 0},
    {"video", 0x000A0000, 0}, {"window", 0xC0000000, 0}, {"own-configuration", 0xE0000000, 0},
    {"configuration", 0xB0000000, 0}, {"ioapic", 0xFEC00000, 0}, {"hpet", 0xFED00000, 0}, {"tpm", 0xFED40000, 0},
    {"iommu", 0xFED90000, 0}, {"local-apic", 0xFEE00000, 0}, {"flash", 0xFFC00000, 0}, {"wraps", 0xFFFFF000, 0xFFFFFFFF},
    {"above-4g", 0, 1}, {"above-all", 0, 0x00100000}, {"high-only", 0xC0000000, 0x80000000}, {"size-probe", 0xFFFFFFFF, 0xFFFFFFFF},
    {"kind-bits", 0x0000000F, 0},
};

static const char *works(void) {
    static volatile uint64_t target[2];
    target[0] = 0x1122334455667788, target[1] = 0;
    bool engine = engine_ready() && engine_read((uint64_t)&target[0], 8) && engine_write((uint64_t)&target[1], 8);
    return engine && target[1] == target[0] ? "works" : "dead";
}
void attack_bars(const char *argument) {
    static const uint32_t ids[] = {ENGINE_ID, ENTROPY_ID};
    static volatile uint64_t canary = 0x1122334455667788;
    (void)argument;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        char attempted[40];
        uint32_t moved = 0;
        format_into(attempted, sizeof attempted, "bar-%s", places[i].name);
        announce(attempted, "");
        for (int f = 0; f < 2; f++) {
            uint32_t slot = find_function(ids[f]), command = config_read(slot, 4) & 0xFFFF;
            for (uint32_t reg = 0x10; reg <= 0x30; reg += 4) {
                if (reg == 0x28 || reg == 0x2C) continue;
                uint32_t before = config_read(slot, reg);
                config_write(slot, 4, 0);
                config_write(slot, reg, reg & 4 ? places[i].high ? places[i].high : places[i].low : places[i].low);
                config_write(slot, 4, command | 7);
                uint32_t after = config_read(slot, reg);
                // All ones give the size, which is no place; the next write takes it back.
                if (after != before && places[i].low != ~0u && places[i].low != 0xFFFFF000)
                    moved++, finding(attempted, "slot=%u reg=%x was=%08x now=%08x", slot, reg, before, after);
                config_write(slot, reg, before);
                if (config_read(slot, reg) != before) moved++, finding(attempted, "slot=%u reg=%x not taken back", slot, reg);
            }
            config_write(slot, 4, command);
        }
        attempt(attempted, "%u-moved,%s,%s", moved, canary == 0x1122334455667788 ? "own-kept" : "own-lost", works());
    }
}
