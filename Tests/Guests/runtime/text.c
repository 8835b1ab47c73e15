// Memory and text helpers that a freestanding compiler expects or that every guest needs.
#include "runtime.h"

void *memcpy(void *to, const void *from, size_t size) {
    void *result = to;
    asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size)::"memory");
    return result;
}
void *memset(void *to, int value, size_t size) {
    void *result = to;
    asm volatile("rep stosb" : "+D"(to), "+c"(size) : "a"(value) : "memory");
    return result;
}
size_t strlen(const char *text) {
    size_t length = 0;
    while (text[length]) length++;
    return length;
}
bool equal(const char *a, const char *b) {
    while (*a && *a == *b) a++, b++;
    return *a == *b;
}
bool starts_with(const char *text, const char *prefix) {
    while (*prefix && *text == *prefix) text++, prefix++;
    return *prefix == 0;
}
uint64_t parse_number(const char *text) {
    uint64_t base = 10, value = 0;
    if (text[0] == '0' && (text[1] | 32) == 'x') base = 16, text += 2;
    for (;; text++) {
        uint64_t digit = (uint64_t)(*text | 32);
        if (*text >= '0' && *text <= '9') digit = (uint64_t)(*text - '0');
        else if (base == 16 && digit >= 'a' && digit <= 'f') digit -= 'a' - 10;
        else return value;
        value = value * base + digit;
    }
}
uint64_t next_random(uint64_t *state) {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545F4914F6CDD1D;
}

typedef void (*sink)(void *context, char c);

static void put_number(sink put, void *context, uint64_t value, uint32_t base, int width) {
    char digits[24];
    int count = 0;
    do digits[count++] = "0123456789abcdef"[value % base], value /= base;
    while (value);
    while (width-- > count) put(context, '0');
    while (count) put(context, digits[--count]);
}
static void put_format(sink put, void *context, const char *format, va_list arguments) {
    for (; *format; format++) {
        if (*format != '%') {
            put(context, *format);
            continue;
        }
        int width = 0;
        bool wide = false;
        while (*++format >= '0' && *format <= '9') width = width * 10 + *format - '0';
        while (*format == 'l') wide = true, format++;
        switch (*format) {
        case 's':
            for (const char *s = va_arg(arguments, const char *); *s; s++) put(context, *s);
            break;
        case 'c': put(context, (char)va_arg(arguments, int)); break;
        case 'd': {
            int64_t value = wide ? va_arg(arguments, int64_t) : va_arg(arguments, int);
            if (value < 0) put(context, '-'), value = -value;
            put_number(put, context, (uint64_t)value, 10, width);
            break;
        }
        case 'u': case 'x':
            put_number(put, context, wide ? va_arg(arguments, uint64_t) : va_arg(arguments, uint32_t),
                       *format == 'u' ? 10 : 16, width);
            break;
        default: put(context, *format); break;
        }
    }
}

static void to_console(void *context, char c) {
    (void)context;
    if (c == '\n') console_put('\r');
    console_put(c);
}
void print_list(const char *format, va_list arguments) { put_format(to_console, nullptr, format, arguments); }
void print(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    print_list(format, arguments);
    va_end(arguments);
}

struct buffer {
    char *text;
    size_t used, capacity;
};
static void to_buffer(void *context, char c) {
    struct buffer *b = context;
    if (b->used + 1 < b->capacity) b->text[b->used++] = c;
}
size_t format_into(char *text, size_t capacity, const char *format, ...) {
    struct buffer b = {text, 0, capacity};
    va_list arguments;
    va_start(arguments, format);
    put_format(to_buffer, &b, format, arguments);
    va_end(arguments);
    text[b.used] = 0;
    return b.used;
}
