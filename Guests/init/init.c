// The first process of our guests: says that user space runs, does what the RAM disk is for, obeys the console.
#include "guest.h"

static char command_line[2048];
static char names[6][65];                      // struct new_utsname: system, node, release, ...
static char name[16];                          // the activity to start with

/// The value of a kernel parameter, copied; empty when it is not given.
static char *parameter(const char *key, char *value, size n) {
    size count = 0;
    for (const char *at = command_line; *at; at++) {
        const char *k = key, *l = at;
        while (*k && *k == *l) k++, l++;
        if (*k || (at != command_line && at[-1] != ' ')) continue;
        for (count = 0; *l && *l != ' ' && *l != '\n' && count < n - 1; l++) value[count++] = *l;
    }
    value[count] = 0;
    return value;
}

static int count_cpus(void) {
    unsigned long set[16] = {0};
    int count = 0;
    call3(__NR_sched_getaffinity, 0, sizeof set, set);
    for (int i = 0; i < 16; i++) count += __builtin_popcountl(set[i]);
    return count;
}

static void start(void) {
    long uptime = now_ms();                                  // the time that the kernel took
    char text[16];
    int priority = 50;
    for (int fd = 0; fd < 3; fd++) close(fd);
    call5(__NR_mount, "proc", "/proc", "proc", 0, 0);
    call5(__NR_mount, "sys", "/sys", "sysfs", 0, 0);
    call5(__NR_mount, "dev", "/dev", "devtmpfs", 0, 0);
    for (int fd = 0; fd < 3; fd++) open("/dev/null", O_RDWR);
    call3(__NR_sched_setscheduler, 0, 1, &priority);         // SCHED_FIFO: commands are heard under any load
    read_text("/proc/cmdline", command_line, sizeof command_line);
    call1(__NR_uname, names);
    vcpus = count_cpus();
    read_text("/activity", name, sizeof name);
    for (char *c = name; *c; c++)
        if (*c == '\n') *c = 0;
    if (*parameter("bulkhead.run=", text, sizeof text)) parameter("bulkhead.run=", name, sizeof name);
    console_open();
    say("@bulkhead ready kernel=");
    say(names[2]);
    say(" vcpus=");
    say_number(vcpus);
    say(" run=");
    say(name);
    say(" uptime_ms=");
    say_number(uptime);
    say("\n");
}

long load_module(const char *name) {
    char path[160];
    append(append(append(append(append(path, "/lib/modules/"), names[2]), "/"), name), ".ko");
    word fd = open(path, O_RDONLY);
    if (fd < 0) return fd;
    word result = call3(__NR_finit_module, fd, "", 0);
    close((int)fd);
    return result;
}

/// The drivers of the panic device: from here on a panic ends the guest at once.
static void load_modules(void) {
    static const char *const modules[] = {"pvpanic", "pvpanic-mmio"};
    for (size i = 0; i < sizeof modules / sizeof *modules; i++) {
        long result = load_module(modules[i]);
        // -2, ENOENT: a RAM disk for another kernel.
        if (result != 0 && result != -2) say("@bulkhead error a panic will not be reported\n");
    }
}

static void listen(long poll_ms, long report_ms) {
    char line[80];
    size length = 0;
    long heard = -10000, reported = now_ms();
    for (;;) {
        int byte = poll_ms ? console_read() : -1;
        long now = now_ms();
        if (byte >= 0) {
            heard = now;
            char echo[2] = {(char)byte, 0};
            if (byte == '\r' || byte == '\n') {
                line[length] = 0;
                say("\n");
                length = 0;
                command(line);
            } else if ((byte == 8 || byte == 127) && length > 0) {
                length--;
                say("\b \b");
            } else if (byte >= ' ' && byte < 127 && length < sizeof line - 1) {
                line[length++] = (char)byte;
                say(echo);
            }
            continue;
        }
        if (report_ms && now - reported >= report_ms) {
            activity_report();
            reported = now;
        }
        while (wait_for(-1, WNOHANG) > 0) {}
        // While somebody types, look more often.
        if (poll_ms) sleep_ms(now - heard < 2000 && poll_ms > 20 ? 20 : poll_ms);
        else sleep_ms(report_ms ? report_ms : 3600000);
    }
}

void run(void) {
    char text[16];
    start();
    load_modules();
    if (!activity_start(name)) say("@bulkhead error bulkhead.run: no such activity\n");
    long report = number(parameter("bulkhead.report=", text, sizeof text));
    long poll = number(parameter("bulkhead.poll=", text, sizeof text));
    listen(poll < 0 ? 500 : poll, report < 0 ? 0 : report * 1000);
}

// The stack is 16-byte aligned at the entry of a process; a call keeps it as the C calling convention wants.
__attribute__((naked, used)) void _start(void) { __asm__("xorl %ebp, %ebp\n call run"); }
