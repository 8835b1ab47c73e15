// The program that stands for partitions' virtio functions, as whole pages for root mode to map.
#pragma once
#include <stdint.h>

extern const uint8_t model_start[], model_end[];

static inline uint64_t model_address(void) { return (uint64_t)model_start; }
static inline uint64_t model_size(void) { return (uint64_t)(model_end - model_start); }
