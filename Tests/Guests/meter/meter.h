// The meter: a guest that leaves for every reason a known number of times, each reason in a phase of its own.
#pragma once
#include "mark.h"
#include "runtime.h"

/// How often each exit is provoked in its phase.
#define TIMES 1000

/// The phases; the rest is 0.
enum { CPUID = 1, MSR, PORT, ICR, NESTED_PAGE_FAULT, HYPERCALL, NMI, UART, RTC, CPUID_LEAVES };
