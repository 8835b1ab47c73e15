// The end of a wire, and what both files that attack it do there.
#pragma once
#include "virtio.h"

#define HEADER 12
#define FRAME 60
/// What is sent, and what is received into: the header, then a frame.
extern uint8_t out[HEADER + 1518], in[ENTRIES][2048];

void put(uint16_t ring, uint16_t i, uint64_t address, uint32_t length, uint16_t flags, uint16_t next);
/// Asks for the other end's address, and waits until the buffer is ours again.
bool ask(void);
bool link_up(void);
void offer_buffers(void);
/// Whatever is described for receiving is offered, and a frame comes for it; reports the attempt.
void provoke(const char *name);
