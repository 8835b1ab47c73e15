// Makes the hypervisor itself fault, on purpose: only a hypervisor built with faults to inject obeys (see
// Sources/Hypervisor/Exits/InjectedFaults.swift). Any other refuses the hypercall, and this is one attempt that it held.
#include "attack.h"

static const char *const kinds[] = {"trap", "program", "stack", "neighbour", "locked", "map", "map-guest"};

// `fault:KIND`; the manifest of the test puts the neighbour's memory at 512 MiB.
void attack_fault(const char *argument) {
    announce("fault", argument);
    for (uint64_t kind = 0; kind < sizeof kinds / sizeof kinds[0]; kind++)
        if (equal(argument, kinds[kind]))
            asm volatile(GUARDED(".byte 0x0F, 0x01, 0xD9")::"a"(0x4641554CUL), "b"(kind), "c"(0x20000000UL) : "memory");
    survived("fault", argument);
}
