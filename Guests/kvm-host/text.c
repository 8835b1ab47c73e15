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

word find_task(const char *folder, const char *wanted) {
    char path[64], name[24];
    static char entries[4096];
    word at_folder = open(folder, 0200000);                  // O_DIRECTORY
    if (at_folder < 0) return 0;
    word found = 0, bytes;
    while (!found && (bytes = call3(__NR_getdents64, at_folder, entries, sizeof entries)) > 0) {
        // struct linux_dirent64: the record's length at 16, the name at 19
        for (word at = 0; at < bytes && !found; at += *(unsigned short *)(entries + at + 16)) {
            long thread = number(entries + at + 19);
            if (thread < 0) continue;
            append(append_number(append(append(path, folder), "/"), thread), "/comm");
            read_text(path, name, sizeof name);
            if (equal(name, wanted)) found = thread;
        }
    }
    close((int)at_folder);
    return found;
}
