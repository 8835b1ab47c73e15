// What the loader cannot express in Swift.
#pragma once
#include <stdint.h>

/// Leaves the loader for the image: `mode` 0 is 64-bit mode, 1 is 32-bit protected mode without paging. The other registers
/// are zero but for RSP, which is the end of the guest's first stack.
void enter_guest(uint32_t mode, uint64_t rip, uint32_t eax, uint32_t ebx, uint32_t esi) __attribute__((noreturn));
/// Tells root mode why the image does not start.
void refuse_image(uint32_t reason) __attribute__((noreturn));
