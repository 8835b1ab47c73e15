// The firmware's calling convention.
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
AT(core_header, cr3, CORE_CR3);

typedef uint64_t __attribute__((ms_abi)) (*efi_function)(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);

uint64_t efi_call(uint64_t function, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e) {
    return ((efi_function)function)(a, b, c, d, e);
}
