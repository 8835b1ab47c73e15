// The memory routines that a compiler may call on its own.
#include <stddef.h>
#include <stdint.h>

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
