#include "guest.h"

// The compiler may call these two on its own.
void *memset(void *to, int value, size n) {
    void *start = to;
    __asm__ volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(value) : "memory");
    return start;
}
void *memcpy(void *to, const void *from, size n) {
    void *start = to;
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n)::"memory");
    return start;
}

int equal(const char *a, const char *b) {
    while (*a && *a == *b) a++, b++;
    return *a == *b;
}

const char *after(const char *line, const char *word) {
    while (*word && *word == *line) word++, line++;
    if (*word || (*line && *line != ' ')) return 0;
    while (*line == ' ') line++;
    return line;
}

char *append(char *to, const char *text) {
    while ((*to = *text++)) to++;
    return to;
}

long number(const char *text) {
    long value = 0;
    int digits = 0;
    for (; *text >= '0' && *text <= '9'; text++, digits++) {
        if (digits == 9) return -1;
        value = value * 10 + *text - '0';
    }
    return digits && (*text == 0 || *text == ' ' || *text == '\n') ? value : -1;
}

word read_text(const char *path, char *to, size n) {
    word fd = open(path, O_RDONLY), count = 0;
    if (fd >= 0) {
        count = read(fd, to, n - 1);
        close(fd);
    }
    if (count < 0) count = 0;
    to[count] = 0;
    return count;
}
