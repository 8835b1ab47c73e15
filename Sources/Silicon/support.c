// The memory routines that a compiler may call on its own.
#include "Silicon.h"
#include <stddef.h>

void *memcpy(void *to, const void *from, size_t n) {
    void *start = to;
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n)::"memory");
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
    __asm__ volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(value) : "memory");
    return start;
}

int memcmp(const void *a, const void *b, size_t n) {
    const unsigned char *x = a, *y = b;
    for (; n; n--, x++, y++)
        if (*x != *y) return *x - *y;
    return 0;
}
