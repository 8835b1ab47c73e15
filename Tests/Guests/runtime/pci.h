// The configuration space of this partition's bus, and what is found there.
#pragma once
#include "runtime.h"

#define CONFIG_ADDRESS 0xCF8
#define CONFIG_DATA 0xCFC
#define ECAM 0xE0000000ull

/// Of a function other than the first, `slot` has its number in bits 7:5.
static inline uint32_t config_address(uint32_t slot, uint32_t reg) {
    return 1u << 31 | (slot & 31) << 11 | slot >> 5 << 8 | (reg & 0xFC);
}
static inline uint32_t config_read(uint32_t slot, uint32_t reg) {
    out32(CONFIG_ADDRESS, config_address(slot, reg));
    return in32(CONFIG_DATA);
}
static inline void config_write(uint32_t slot, uint32_t reg, uint32_t value) {
    out32(CONFIG_ADDRESS, config_address(slot, reg));
    out32(CONFIG_DATA, value);
}
static inline volatile uint32_t *config_memory(uint32_t slot, uint32_t reg) {
    return (volatile uint32_t *)(ECAM + ((slot & 31) << 15 | slot >> 5 << 12) + reg);
}
/// The slot of a function of ours; 0 when this partition has none (the host bridge has that one).
uint32_t find_function(uint32_t id);
