#include "host.h"

char *append_number(char *to, long n) {
    char digits[24];
    int at = sizeof digits;
    digits[--at] = 0;
    do digits[--at] = '0' + n % 10;
    while (n /= 10);
    return append(to, digits + at);
}

int set(const char *path, const char *value) {
    size length = 0;
    while (value[length]) length++;
    word fd = open(path, O_WRONLY);
    if (fd < 0) return 0;
    word written = write((int)fd, value, length);
    close((int)fd);
    return written == (word)length;
}
