// The program that runs first in every partition, as bytes for root mode to copy.
#pragma once
#include <stdint.h>

extern const uint8_t loader_start[], loader_end[];

static inline uint64_t loader_address(void) { return (uint64_t)loader_start; }
static inline uint64_t loader_size(void) { return (uint64_t)(loader_end - loader_start); }
