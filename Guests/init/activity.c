// What the guest does in the background, and the silent windows in which nothing but that is done.
#include "guest.h"

int vcpus = 1;

static char current[16];       // name of the background activity
static word process;           // its process group's leader; 0 when there is none
static word answers = -1;      // where cyclictest prints its results

static char *const environment[] = {"PATH=/bin:/usr/bin:/sbin", "HOME=/", "TERM=linux", 0};

/// Starts cyclictest with its output in a pipe. Without `duration` it runs until it is killed.
static word start_cyclictest(const char *duration, const char *histogram, word *output) {
    int ends[2];
    if (call2(__NR_pipe2, ends, 0) != 0) return -1;
    word child = fork();
    if (child == 0) {
        call0(__NR_setsid);
        call2(__NR_dup2, ends[1], 1);
        call2(__NR_dup2, ends[1], 2);
        close(ends[0]);
        close(ends[1]);
        const char *arguments[] = {"cyclictest", "-q", "-m", "-p95", "-i1000", vcpus > 1 ? "-S" : "-t1",
                                   duration ? "-D" : 0, duration, histogram, 0};
        call3(__NR_execve, "/usr/bin/cyclictest", arguments, environment);
        quit(127);
    }
    close(ends[1]);
    *output = ends[0];
    return child;
}

static void start_process(void work(int)) {
    process = fork();
    if (process == 0) {
        int normal = 0;
        call0(__NR_setsid);
        call3(__NR_sched_setscheduler, 0, 0, &normal);       // SCHED_OTHER: /init itself is a real-time process
        work(vcpus);
        quit(0);
    }
}

static int start(const char *name, const char *duration) {
    void (*work)(int) = work_named(name);
    if (equal(name, "cyclictest")) process = start_cyclictest(duration, 0, &answers);
    else if (equal(name, "histogram") && duration) process = start_cyclictest(duration, "-h10000", &answers);
    else if (work && share()) start_process(work);
    else if (!equal(name, "idle")) return 0;
    return 1;
}

static void stop(void) {
    if (process > 0) {
        kill(-process, SIGKILL);
        kill(process, SIGKILL);
        wait_for(process, 0);
    }
    while (wait_for(-1, WNOHANG) > 0) {}
    if (answers >= 0) close(answers);
    process = 0;
    answers = -1;
}

int activity_start(const char *name) {
    if (!(equal(name, "cyclictest") || equal(name, "idle") || work_named(name))) return 0;
    stop();
    size i = 0;
    for (; name[i] && i < sizeof current - 1; i++) current[i] = name[i];
    current[i] = 0;
    return start(current, 0);
}

void activity_stop(void) { stop(); }

/// The number behind `key` in a line of cyclictest, or -1.
static long field(const char *line, const char *key) {
    for (; *line && *line != '\n'; line++) {
        const char *k = key, *l = line;
        while (*k && *k == *l) k++, l++;
        if (*k) continue;
        while (*l == ' ') l++;
        return number(l);
    }
    return -1;
}

/// Folds the per-thread lines ("T: 0 (  88) P:95 I:1000 C:  5000 Min:  3 Act:  5 Avg:  6 Max:  47") into one.
static int say_latency(const char *text) {
    long least = -1, most = -1, sum = 0, samples = 0;
    for (const char *line = text; *line; line++) {
        if (line == text || line[-1] == '\n') {
            long count = field(line, " C:"), min = field(line, "Min:"), avg = field(line, "Avg:"), max = field(line, "Max:");
            if (line[0] == 'T' && line[1] == ':' && count > 0 && min >= 0 && avg >= 0 && max >= 0) {
                if (least < 0 || min < least) least = min;
                if (max > most) most = max;
                sum += avg * count;
                samples += count;
            }
        }
    }
    if (samples == 0) return 0;
    say("@bulkhead latency min_us=");
    say_number(least);
    say(" avg_us=");
    say_number(sum / samples);
    say(" max_us=");
    say_number(most);
    say(" samples=");
    say_number(samples);
    say("\n");
    return 1;
}

static char output[8192];

/// Reads cyclictest's output until it ends, or until nothing came for `patience_ms` (0: until it ends).
static void collect(int patience_ms) {
    size count = 0;
    while (count < sizeof output - 1) {
        struct { int fd; short events, seen; } wait = {(int)answers, 1, 0};
        if (patience_ms && call3(__NR_poll, &wait, 1, patience_ms) <= 0) break;
        word n = read(answers, output + count, sizeof output - 1 - count);
        if (n <= 0) break;
        count += n;
    }
    output[count] = 0;
}

int activity_report(void) {
    if (answers < 0) return 0;
    kill(process, SIGUSR1);
    collect(200);
    return say_latency(output);
}

// What stands between two of these is a phase to Tools/Counter; to a processor they are no-operations.
#define MARK(number) __asm__ volatile(".byte 0x0F, 0x1F, 0x80\n\t.long 0x48560000 + %c0" ::"i"(number) : "memory")

static void say_phase(const char *name, long seconds) {
    say("@bulkhead phase name=");
    say(name);
    say(" seconds=");
    say_number(seconds);
    say("\n");
}

/// What the activity did meanwhile: wake-ups, system calls, faults, processes.
static void say_work(const char *name, unsigned long count, long ms) {
    say("@bulkhead work name=");
    say(name);
    say(" count=");
    say_number((long)count);
    say(" ms=");
    say_number(ms);
    say("\n");
}

static int check_memory(long seconds) {
    const size length = 32 << 20;
    word area = call6(__NR_mmap, 0, length, 3, 0x22, -1, 0);
    if (area < 0 && area > -4096) {
        say("@bulkhead error not enough memory\n");
        return 1;
    }
    volatile unsigned long *words = (volatile unsigned long *)area;
    long errors = 0;
    for (size i = 0; i < length / 8; i++) words[i] = i * 0x9E3779B97F4A7C15UL;
    say_phase("memory", seconds);
    sleep_ms(seconds * 1000);
    for (size i = 0; i < length / 8; i++) errors += words[i] != i * 0x9E3779B97F4A7C15UL;
    call2(__NR_munmap, area, length);
    say("@bulkhead memory bytes=");
    say_number(length);
    say(" errors=");
    say_number(errors);
    say("\n");
    return 1;
}

int phase(const char *name, long seconds) {
    if (equal(name, "memory")) {
        check_memory(seconds);         // beside the activity, so that it is under load
    } else {
        char duration[16];
        int at = sizeof duration;
        duration[--at] = 0;
        long rest = seconds + 1;       // half a second before the line, and some after
        do duration[--at] = '0' + rest % 10;
        while (rest /= 10);
        stop();
        if (!start(name, duration + at)) {
            start(current, 0);
            return 0;
        }
        if (shared && !work_named(name)) shared->done = 0;
        sleep_ms(500);
        say_phase(name, seconds);
        long began = now_ms();
        unsigned long before = shared ? shared->done : 0;
        MARK(1);
        sleep_ms(seconds * 1000);
        MARK(0);
        unsigned long done = shared ? shared->done : 0;
        long ended = now_ms();
        if (equal(name, "histogram")) {
            histogram_read((int)answers);
            if (!histogram_say()) say("@bulkhead error cyclictest has printed no histogram\n");
        } else if (answers >= 0) {
            collect(0);
            if (!say_latency(output)) {
                say("@bulkhead error cyclictest: ");
                say(output);
                say("\n");
            }
        } else if (shared && shared->done) {
            say_work(name, done - before, ended - began);
        }
        stop();
    }
    say("@bulkhead phase-end name=");
    say(name);
    say("\n");
    if (process == 0) start(current, 0);
    return 1;
}

void shell(void) {
    word child = fork();
    if (child == 0) {
        int normal = 0;
        call0(__NR_setsid);
        call3(__NR_sched_setscheduler, 0, 0, &normal);
        word terminal = open("/dev/ttyS0", O_RDWR);
        for (int fd = 0; fd < 3; fd++) call2(__NR_dup2, terminal, fd);
        if (terminal > 2) close(terminal);
        call3(__NR_ioctl, 0, 0x540E, 1);                     // TIOCSCTTY: Ctrl-C reaches the shell's children
        const char *arguments[] = {"sh", "-i", 0};
        call3(__NR_execve, "/bin/busybox", arguments, environment);
        quit(127);
    }
    if (child > 0) wait_for(child, 0);
    console_open();                                          // the driver has switched the FIFOs off
    say("@bulkhead shell-end\n");
}
