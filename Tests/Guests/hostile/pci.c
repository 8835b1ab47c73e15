// (b) A bus that this partition has no function on: configuration by ports and by memory answers as an empty slot does.
#include "attack.h"

#define ADDRESS 0xCF8
#define DATA 0xCFC

static void by_ports(void) {
    uint32_t ones = 0, others = 0;
    announce("pci-ports", "");
    for (uint32_t bus = 0; bus < 256; bus++)
        for (uint32_t slot = 0; slot < 32; slot++) {
            out32(ADDRESS, 1u << 31 | bus << 16 | slot << 11);
            uint32_t value = in32(DATA);
            if (value == ~0u) ones++;
            else others++, finding("pci-ports", "bus=%u slot=%u id=%08x", bus, slot, value);
        }
    attempt("pci-ports", "%u-ones,%u-other", ones, others);
}
// Every register of the slots that a chipset's own functions have, written with garbage: commands, addresses, bridges.
static void written(void) {
    uint32_t ones = 0, others = 0;
    uint64_t seed = 0xBC1;
    announce("pci-writes", "");
    for (uint32_t slot = 0; slot < 32; slot++)
        for (uint32_t reg = 0; reg < 256; reg += 4) {
            out32(ADDRESS, 1u << 31 | slot << 11 | reg);
            for (uint16_t width = 0; width < 3; width++) {
                uint32_t value = (uint32_t)next_random(&seed);
                if (width == 0) out32(DATA, value);
                else if (width == 1) out16(DATA + 2, (uint16_t)value);
                else out8(DATA + 1, (uint8_t)value);
            }
            if (in32(DATA) == ~0u) ones++;
            else others++;
        }
    attempt("pci-writes", "%u-ones,%u-other", ones, others);
}
// The address register with everything that it has no bits for, and the parts of it by bytes and words (0CF9h resets).
static void addresses(void) {
    uint32_t ones = 0, others = 0;
    uint64_t seed = 0xADD;
    announce("pci-addresses", "");
    for (uint32_t i = 0; i < 5000; i++) {
        uint32_t value = (uint32_t)next_random(&seed);
        out32(ADDRESS, i % 2 ? value | 1u << 31 : value & ~(6u << 8));
        for (uint16_t offset = 0; offset < 4; offset++)
            if (in8(DATA + offset) != 0xFF) others++;
            else ones++;
    }
    attempt("pci-addresses", "%u-ones,%u-other", ones, others);
}
// Where chipsets have their memory-mapped configuration space: the first registers of every function of every bus.
static void by_memory(void) {
    static const uint64_t bases[] = {0xB0000000, 0xC0000000, 0xE0000000, 0xF0000000, 0xF8000000};
    uint32_t ones = 0, others = 0, faults = 0;
    uint64_t seen;
    announce("pci-memory", "");
    for (size_t i = 0; i < sizeof bases / sizeof bases[0]; i++)
        for (uint32_t function = 0; function < 65536; function += function < 256 ? 1 : 8) {
            volatile void *at = map_outside_address(bases[i] + ((uint64_t)function << 12));
            if (try_read(at, &seen) >= 0) faults++;
            else if (seen == ~0ull) ones++;
            else others++, finding("pci-memory", "address=%lx id=%lx", bases[i] + ((uint64_t)function << 12), seen);
        }
    attempt("pci-memory", "%u-ones,%u-other,%u-fault", ones, others, faults);
}
void attack_pci(const char *argument) {
    (void)argument;
    by_ports();
    written();
    addresses();
    by_memory();
}
