// The marker of the counter (Tools/Counter).
#pragma once

/// Begins a phase of the counter: a long no-operation that the counter knows. It does not exit.
#define MARK(number) asm volatile(".byte 0x0F, 0x1F, 0x80\n\t.long 0x48560000 + %c0" ::"i"(number) : "memory")
