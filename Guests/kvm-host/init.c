// The first process of the KVM host: makes the machine ready, starts virtual machines when told to. What the kernel
// has not understood of its command line, behind " -- ", is the guests' kernel command line.
#include "host.h"

static char parameters[1024];

static void mount_all(void) {
    for (int fd = 0; fd < 3; fd++) close(fd);
    call5(__NR_mount, "proc", "/proc", "proc", 0, 0);
    call5(__NR_mount, "sys", "/sys", "sysfs", 0, 0);
    call5(__NR_mount, "dev", "/dev", "devtmpfs", 0, 0);
    call5(__NR_mount, "debug", "/sys/kernel/debug", "debugfs", 0, 0);
    for (int fd = 0; fd < 3; fd++) open("/dev/null", O_RDWR);
}

int load_driver(const char *name, const char *options) {
    char path[64];
    append(append(append(path, "/modules/"), name), ".ko");
    word fd = open(path, O_RDONLY);
    word error = fd < 0 ? fd : call3(__NR_finit_module, fd, options, 0);
    if (fd >= 0) close((int)fd);
    if (error == 0) return 1;
    say("@host error module ");
    say(name);
    say(" status ");
    say_number(error);
    say("\n");
    return 0;
}

static void obey(const char *line) {
    const char *argument;
    if ((argument = after(line, "start"))) {
        long index = number(argument);
        if (index >= 0 && index < VMS) return vm_start((int)index, parameters);
    } else if ((argument = after(line, "statistics"))) {
        long index = number(argument);
        if (index >= 0 && index < VMS) return vm_statistics((int)index);
    }
    if (equal(line, "log")) return vm_log();
    say("@host error commands: start VM, statistics VM, log\n");
}

static void listen(void) {
    char line[80];
    size length = 0;
    for (;;) {
        int byte = console_read();
        if (byte < 0) sleep_ms(20);
        else if (byte == '\r' || byte == '\n') {
            line[length] = 0;
            if (length) obey(line);
            length = 0;
        } else if (length < sizeof line - 1) line[length++] = (char)byte;
    }
}

void run(word *stack) {
    // As every process finds it: the number of arguments, then the arguments.
    char *at = parameters;
    for (word i = 1; i < stack[0]; i++) {
        const char *argument = (const char *)stack[1 + i];
        if (at != parameters) at = append(at, " ");
        for (; *argument && at < parameters + sizeof parameters - 2; argument++) *at++ = *argument;
        *at = 0;
    }
    mount_all();
    console_open();
    load_driver("irqbypass", "");
    load_driver("kvm", "halt_poll_ns=0");
    load_driver("ccp", "");
    load_driver("kvm-amd", "npt=1");
    // Real-time processes may have the whole core: nobody else runs there.
    if (!set("/proc/sys/kernel/sched_rt_runtime_us", "-1")) say("@host error real-time processes are throttled\n");
    say("@host ready\n");
    listen();
}

__attribute__((naked, used)) void _start(void) { __asm__("xorl %ebp, %ebp\n movq %rsp, %rdi\n andq $-16, %rsp\n call run"); }
