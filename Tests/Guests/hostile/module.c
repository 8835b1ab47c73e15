// What the loader brought beside the kernel, as a multiboot module or as one of PVH: where its information says, whole.
#include "attack.h"

void attack_module(const char *argument) {
    (void)argument;
    uint64_t sum = 0;
    for (uint64_t i = 0; i < machine.module.size; i++) sum += ((const uint8_t *)machine.module.start)[i];
    attempt("module", "%s,%lu-bytes,%lu-sum,%s", machine.multiboot ? "multiboot" : "pvh", machine.module.size, sum,
            machine.module.start & 0xFFF ? "unaligned" : "aligned");
}
