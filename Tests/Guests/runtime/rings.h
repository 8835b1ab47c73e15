// The split queues of a virtio function (virtio 1.2, section 2.7), of ENTRIES descriptors each: whoever includes this says
// how many.
#pragma once
#include "virtio.h"

#define RECEIVE 0
#define SEND 1
enum { NEXT = 1, WRITE = 2, INDIRECT = 4 };

struct descriptor {
    uint64_t address;
    uint32_t length;
    uint16_t flags, next;
};
struct driver_area { uint16_t flags, index, entries[ENTRIES], event; };
struct device_area {
    uint16_t flags, index;
    struct { uint32_t head, length; } entries[ENTRIES];
    uint16_t event;
};
struct rings {
    _Alignas(16) volatile struct descriptor table[ENTRIES];
    _Alignas(4) volatile struct driver_area driver;
    _Alignas(4) volatile struct device_area device;
};
static inline struct places places_of(const struct rings *ring) {
    return (struct places){(uint64_t)ring->table, (uint64_t)&ring->driver, (uint64_t)&ring->device};
}
