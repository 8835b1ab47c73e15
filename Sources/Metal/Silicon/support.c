// The firmware's calling convention.
#include "Silicon.h"

typedef uint64_t __attribute__((ms_abi)) (*efi_function)(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);

uint64_t efi_call(uint64_t function, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e) {
    return ((efi_function)function)(a, b, c, d, e);
}
