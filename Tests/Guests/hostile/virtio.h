// A virtio function of ours and its two rings.
#pragma once
#include "functions.h"

#define SLOT 31
#define ENTRIES 32
#define VECTOR 0x72
#include "rings.h"

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
/// Has the device send this message while something is sent, and reports who was interrupted.
void interrupt(const char *name, uint32_t address, uint32_t data);
