// The neighbour: a well-behaved guest that notices when anything of its own changes.
#pragma once
#include "runtime.h"

#define TIMER_VECTOR 0x40

/// What one vCPU has counted. A tick is exact: the timer runs in one-shot mode and each shot is armed by the tick
/// before it, so a shot that ran out and brought no interrupt is a missed tick, whatever the clock on the wall did.
/// (In periodic mode, periods merge whenever an emulator deschedules the vCPU, and nobody could be blamed for them.)
struct pulse {
    volatile uint64_t ticks, missed, spurious, gap_max_tsc, gaps;
    volatile uint64_t armed_at;
    volatile bool armed;
    /// How long the shot has been found run out with nothing requested (TSC), 0 while it has not.
    volatile uint64_t silent_since;
};
extern struct pulse pulses[PROCESSORS_MAX];
extern uint64_t timer_count;

void pulse_start(void);
void pulse_tick(uint32_t processor);
/// Looks whether this vCPU's timer still lives; counts a missed tick and arms anew when it does not.
void pulse_check(uint32_t processor);
/// One watch of `ms` ticks: sleeps from tick to tick, then looks.
void pulse_watch(uint32_t processor, uint64_t ms);

/// Fills the memory under watch; then `memory_check` verifies the next slice of it.
void memory_fill(void);
void memory_check(void);
extern struct range watched;
extern volatile uint64_t memory_bad, memory_bad_at, memory_rounds;

/// Writes known values into registers that nobody else may touch, and compares them later.
void registers_fill(uint32_t processor);
void registers_check(uint32_t processor);
extern volatile uint64_t registers_bad;
extern const char *volatile register_bad_name;
