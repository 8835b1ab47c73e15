// A virtio function that root mode stands for, as its registers are (virtio 1.2, section 4.1): all of them are ports, but for
// the page of MSI-X. The memory of its queues is the caller's: rings.h.
#pragma once
#include "pci.h"

#define CONSOLE_ID 0x10431AF4u
#define NETWORK_ID 0x10411AF4u
#define EVENT_INDEX (1u << 29)
enum { NEEDS_RESET = 64 };
enum { NOTIFICATION = 0x60 };

/// Where the parts of a queue are.
struct places {
    uint64_t table, driver, device;
};
/// Has the function decode its registers and reach memory; the first of its ports.
uint16_t virtio_enable(uint32_t slot);
uint8_t virtio_status(uint16_t ports);
void virtio_reset(uint16_t ports);
/// Brings a function up that was reset, with two queues of `entries` descriptors; of those of the features' lower half,
/// `features` are wanted. Interrupts are of vector 0, which `virtio_interrupts` fills in.
void virtio_start(uint16_t ports, uint32_t features, uint16_t entries, const struct places places[2]);
/// The same with so many queues.
void virtio_start_queues(uint16_t ports, uint32_t features, uint16_t entries, const struct places *places, uint16_t count);
/// Turns MSI-X on, its vector 0 being interrupt `vector` of this vCPU.
void virtio_interrupts(uint32_t slot, uint32_t vector);
/// Whether a network card's link is up.
bool virtio_link(uint16_t ports);
