// The memory routines that a compiler may call on its own, and the firmware's calling convention.
#include "Silicon.h"
#include <stddef.h>

#define AT(type, field, offset) _Static_assert(offsetof(type, field) == offset, #type "." #field)
AT(guest_registers, rbx, GUEST_RBX);
AT(guest_registers, rcx, GUEST_RCX);
AT(guest_registers, rdx, GUEST_RDX);
AT(guest_registers, rsi, GUEST_RSI);
AT(guest_registers, rdi, GUEST_RDI);
AT(guest_registers, rbp, GUEST_RBP);
AT(guest_registers, r8, GUEST_R8);
AT(guest_registers, r15, GUEST_R8 + 7 * 8);
AT(guest_registers, rax, GUEST_RAX);
AT(guest_registers, kicked, GUEST_KICKED);
AT(core_header, magic, CORE_MAGIC_AT);
AT(start_up_parameters, cr3, START_UP_CR3);
AT(start_up_parameters, stack, START_UP_STACK);
AT(start_up_parameters, argument, START_UP_ARGUMENT);
AT(start_up_parameters, entry, START_UP_ENTRY);

void *memcpy(void *to, const void *from, size_t n) {
    void *start = to;
    size_t words = n / 8, rest = n % 8;
    __asm__ volatile("rep movsq; mov %3, %%rcx; rep movsb" : "+D"(to), "+S"(from), "+c"(words) : "r"(rest) : "memory");
    return start;
}

void *memmove(void *to, const void *from, size_t n) {
    if (to <= from || (const char *)from + n <= (char *)to) return memcpy(to, from, n);
    void *last = (char *)to + n - 1;
    const void *source = (const char *)from + n - 1;
    __asm__ volatile("std; rep movsb; cld" : "+D"(last), "+S"(source), "+c"(n)::"memory");
    return to;
}

void *memset(void *to, int value, size_t n) {
    void *start = to;
    size_t words = n / 8, rest = n % 8;
    uint64_t pattern = 0x0101010101010101ULL * (uint8_t)value;
    __asm__ volatile("rep stosq; mov %3, %%rcx; rep stosb" : "+D"(to), "+c"(words) : "a"(pattern), "r"(rest) : "memory");
    return start;
}

int memcmp(const void *a, const void *b, size_t n) {
    const unsigned char *x = a, *y = b;
    for (; n; n--, x++, y++)
        if (*x != *y) return *x - *y;
    return 0;
}

typedef uint64_t __attribute__((ms_abi)) (*efi_function)(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);

uint64_t efi_call(uint64_t function, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e) {
    return ((efi_function)function)(a, b, c, d, e);
}
