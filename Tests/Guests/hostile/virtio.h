// A virtio function of ours and its two rings.
#pragma once
#include "functions.h"

#define ENTRIES 32
#define VECTOR 0x72
#include "rings.h"

extern struct rings rings[2];
extern uint32_t slot;
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
/// A group of attempts at a wire's queues. False where there is none of that name.
bool attack_queues(const char *group);
/// Lengths, rings that are one another, and changes while frames are moved.
bool attack_transfers(const char *group);
/// Whether a group of attempts is wanted: all are, where none is named.
bool is_wanted(const char *group, const char *name);
/// Has the device send this message while something is sent, and reports who was interrupted.
void interrupt(const char *name, uint32_t address, uint32_t data);
