// Functions on this partition's bus.
#include "pci.h"

uint32_t find_function(uint32_t id) {
    for (uint32_t slot = 1; slot < 32; slot++)
        if (config_read(slot, 0) == id) return slot;
    return 0;
}
