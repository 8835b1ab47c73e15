// Network cards of the 82574 (Intel 317694, section 10.2.5): the tables of multicast addresses and VLANs keep what is written.
#include "victim.h"

#define MULTICAST_TABLE 0x5200
#define VLAN_TABLE 0x5600
#define WORDS 128

// The registers of the card in this slot, switched on; null when there is none.
static volatile uint32_t *card(uint32_t slot) {
    uint32_t at = 1u << 31 | slot << 11;
    out32(0xCF8, at);
    if (in32(0xCFC) != 0x10D38086) return nullptr;
    out32(0xCF8, at | 4);
    out16(0xCFC, 6);
    out32(0xCF8, at | 0x10);
    return (volatile uint32_t *)(uint64_t)(in32(0xCFC) & ~0xFu);
}
uint64_t look_at_functions(void) {
    uint64_t dirty = 0;
    for (uint32_t slot = 0; slot < 32; slot++) {
        volatile uint32_t *registers = card(slot);
        if (!registers) continue;
        uint32_t words = 0;
        for (uint32_t i = 0; i < WORDS; i++)
            words += (registers[MULTICAST_TABLE / 4 + i] != 0) + (registers[VLAN_TABLE / 4 + i] != 0);
        print("@function slot=%u dirty=%u\n", slot, words);
        dirty += words;
    }
    return dirty;
}
uint64_t plant_functions(void) {
    for (uint32_t slot = 0; slot < 32; slot++) {
        volatile uint32_t *registers = card(slot);
        for (uint32_t i = 0; registers && i < WORDS; i++) {
            registers[MULTICAST_TABLE / 4 + i] = ((uint32_t *)secret)[i % 8];
            registers[VLAN_TABLE / 4 + i] = ((uint32_t *)secret)[i % 8];
        }
    }
    return look_at_functions();
}
