// Functions on this partition's bus.
#include "pci.h"

uint32_t find_function(uint32_t id) {
    for (uint32_t slot = 1; slot < 32; slot++) {
        // Where the first says so, others follow.
        uint32_t functions = config_read(slot, 0) != ~0u && config_read(slot, 0xC) >> 23 & 1 ? 8 : 1;
        for (uint32_t i = 0; i < functions; i++)
            if (config_read(slot | i << 5, 0) == id) return slot | i << 5;
    }
    return 0;
}
