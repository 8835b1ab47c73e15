// The meter: a guest that leaves for every reason a known number of times, each reason in a phase of its own.
#pragma once
#include "runtime.h"

/// How often each exit is provoked in its phase.
#define TIMES 1000

/// Begins a phase of the counter (Tools/Counter): a long no-operation that the counter knows. It does not exit.
#define MARK(number) asm volatile(".byte 0x0F, 0x1F, 0x80\n\t.long 0x48560000 + %c0" ::"i"(number) : "memory")

/// The phases; the rest is 0.
enum { CPUID = 1, MSR, PORT, ICR, NESTED_PAGE_FAULT, HYPERCALL, NMI, UART, RTC, CPUID_LEAVES };
