// The PCI functions that this partition owns on the machine for attacks by devices: QEMU's edu (docs/specs/edu.rst), an
// engine that moves bytes where it is told, and a virtio entropy source (Virtio 1.2), which writes at once where a queue says.
#pragma once
#include "attack.h"
#include "pci.h"

#define ENGINE_ID 0x11E81234u
#define ENTROPY_ID 0x10441AF4u

/// Offset of a capability in the first 256 bytes; 0 without.
uint32_t find_capability(uint32_t slot, uint32_t id, uint32_t after);
/// Guest-physical address of a memory BAR.
uint64_t bar_address(uint32_t slot, uint32_t bar);
/// Memory decoding and bus mastering on.
void enable_function(uint32_t slot);

/// Moves bytes from memory to the engine's buffer, or back. False when it does not end.
bool engine_read(uint64_t address, uint32_t bytes);
bool engine_write(uint64_t address, uint32_t bytes);
/// The same, not waited for.
void engine_begin(uint64_t address, uint32_t bytes, bool write);
/// Has the engine raise or take back its interrupt.
void engine_interrupt(bool raised);
bool engine_ready(void);

/// Resets the entropy source and gives it one queue; false when there is none.
bool entropy_start(void);
/// Has it write up to `bytes` random bytes at an address, whether it does or not.
void entropy_begin(uint64_t address, uint32_t bytes);
/// As `entropy_begin`; false when it does not say that it did.
bool entropy_write(uint64_t address, uint32_t bytes);
