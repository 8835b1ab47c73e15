// The commands of the console protocol; Guests/README.md is their reference.
#include "guest.h"

static void power(const char *what, int order) {
    say("@bulkhead ");
    say(what);
    say("\n");
    activity_stop();
    call0(__NR_sync);
    call4(__NR_reboot, 0xFEE1DEAD, 672274793, order, 0);     // the magic numbers of reboot(2)
}

static void crash(void) {
    say("@bulkhead panic\n");
    word fd = open("/proc/sysrq-trigger", O_WRONLY);
    write((int)fd, "c", 1);
}

void command(const char *line) {
    static const char *const phases[] = {"cyclictest", "histogram", "idle",   "busy",  "load",  "memory",
                                         "timer10k",   "smp",       "syscalls", "faults", "forks", "storm"};
    const char *argument;
    if (*line == 0) {
        say("commands: report, clock, run NAME, module NAME, sh, poweroff, reboot, panic, and NAME SECONDS of a silent window: "
            "cyclictest, histogram, idle, busy, load, memory, timer10k, smp, syscalls, faults, forks, storm\n");
        return;
    }
    for (size i = 0; i < sizeof phases / sizeof *phases; i++) {
        if (!(argument = after(line, phases[i]))) continue;
        long seconds = number(argument);
        if (seconds < 1 || seconds > 86400) say("@bulkhead error SECONDS must be 1 to 86400\n");
        else if (!phase(phases[i], seconds)) say("@bulkhead error that needs more processors\n");
        return;
    }
    if (equal(line, "report")) {
        if (!activity_report()) say("@bulkhead error no cyclictest is running\n");
    } else if ((argument = after(line, "run"))) {
        if (!activity_start(argument)) say("@bulkhead error no such activity, or it needs more processors\n");
    } else if ((argument = after(line, "module"))) {
        say("@bulkhead module result=");
        say_number(load_module(argument));
        say("\n");
    } else if (equal(line, "clock")) {
        say("@bulkhead clock ms=");
        say_number(now_ms());
        say("\n");
    } else if (equal(line, "sh")) {
        shell();
    } else if (equal(line, "poweroff")) {
        power("poweroff", 0x4321FEDC);
    } else if (equal(line, "reboot")) {
        power("reboot", 0x01234567);
    } else if (equal(line, "panic")) {
        crash();
    } else {
        say("@bulkhead error unknown command\n");
    }
}
