// The kernel's own histogram of exits, by the thread that runs the virtual processor and by reason. It costs a few
// hundred instructions an exit, so it is only on while exits are counted.
#include "host.h"

#define EVENT "/sys/kernel/debug/tracing/events/kvm/kvm_exit/"
#define HISTOGRAM "hist:keys=common_pid,exit_reason"

void trace(int on) {
    if (!set(EVENT "trigger", on ? HISTOGRAM : "!" HISTOGRAM)) say("@host error exits cannot be counted by reason\n");
    say(on ? "@host trace on\n" : "@host trace off\n");
}

/// The number behind a key in a line; -1 when the key is not there.
static long behind(const char *line, const char *key) {
    for (; *line; line++) {
        const char *k = key, *l = line;
        while (*k && *k == *l) k++, l++;
        if (*k) continue;
        long value = 0;
        while (*l == ' ') l++;
        for (; *l >= '0' && *l <= '9'; l++) value = value * 10 + *l - '0';
        return value;
    }
    return -1;
}

static void take(const char *line, const struct vm *vm) {
    // { common_pid:        107, exit_reason:        114 } hitcount:       1234
    long thread = behind(line, "common_pid:"), reason = behind(line, "exit_reason:"), count = behind(line, "hitcount:");
    if (thread < 0 || reason < 0 || count < 0) return;
    for (int cpu = 0; cpu < vm->cpus; cpu++) {
        if (thread != vm->threads[cpu]) continue;
        say(" ");
        say_number(reason);
        say("=");
        say_number(count);
    }
}

void say_exits(const struct vm *vm) {
    static char text[4096], line[160];
    word fd = open(EVENT "hist", O_RDONLY), count;
    size length = 0;
    while (fd >= 0 && (count = read((int)fd, text, sizeof text)) > 0) {
        for (word i = 0; i < count; i++) {
            if (text[i] == '\n') {
                line[length] = 0;
                take(line, vm);
                length = 0;
            } else if (length < sizeof line - 1) line[length++] = text[i];
        }
    }
    if (fd >= 0) close((int)fd);
}
