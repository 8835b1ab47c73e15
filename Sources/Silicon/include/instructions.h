// One function per instruction (AMD64 APM volume 3, Intel SDM volume 2).
#pragma once
#include <stdint.h>

static inline void cpu_out8(uint16_t port, uint8_t value) { __asm__ volatile("outb %0, %1" ::"a"(value), "Nd"(port)); }
static inline uint8_t cpu_in8(uint16_t port) { uint8_t v; __asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port)); return v; }
