// A guest that has a secret, and keeps it wherever a guest can keep anything.
#pragma once
#include "runtime.h"

/// 32 bytes as they were typed.
extern uint64_t secret[4];

/// What of registers and memory is not as a new machine's: prints each, returns how many.
uint64_t look_around(void);
/// Puts the secret into every register that is not needed to go on.
void plant_registers(uint32_t processor);
/// Puts it into the registers of this partition's network cards that hold values; `look_around` finds those, too.
uint64_t plant_functions(void);
uint64_t look_at_functions(void);
/// Takes the rest: general registers, then sleeps for ever.
[[noreturn]] void hold_secret(const uint64_t *secret);
