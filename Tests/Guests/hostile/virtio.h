// A virtio function of ours and its two rings.
#pragma once
#include "functions.h"

#define CONSOLE_ID 0x10431AF4u
#define NETWORK_ID 0x10411AF4u
#define SLOT 31
#define ENTRIES 32
#define RECEIVE 0
#define SEND 1
#define VECTOR 0x72
enum { NEXT = 1, WRITE = 2, INDIRECT = 4 };
enum { NEEDS_RESET = 64 };

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
extern struct rings rings[2];
extern uint16_t ports;

uint8_t status(void);
void reset(void);
/// Brings the device up; where the parts of `ring` are is said by the caller, or its own memory for 0.
void start_at(uint16_t ring, uint64_t table, uint64_t driver, uint64_t device);
void start(void);
/// Offers the chain that begins with `head` so many times, and notifies.
void give(uint16_t ring, uint16_t head, uint16_t count);
/// Whether the device does what it is for.
const char *works(void);
/// The same at a wire: whether a request for the other end's address is answered.
const char *wire_works(void);
/// Until the other end is there, minutes at the most.
void await_wire(void);
void attack_wire(void);
