// What sandbox.c needs of tables.c.
#pragma once
#include "differential.h"

/// Code, data, stack and constants of the sandbox, where the program itself sees them.
extern uint8_t pages[4][4096];

void tables_build(void);
void tables_reset(void);
struct table_pointer global_pointer(void);
struct table_pointer interrupt_pointer(void);
uint64_t root_table(void);
/// Adds what a sequence left in descriptors and page table entries.
uint64_t tables_sum(uint64_t sum);

static inline uint64_t mix(uint64_t sum, uint64_t word) {
    sum = (sum ^ word) * 0x9E3779B97F4A7C15;
    return sum ^ sum >> 29;
}
