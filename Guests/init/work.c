// Activities that provoke one kind of work each, so that its exits can be counted. What they have done is counted in
// memory that /init shares with them.
#include "guest.h"

static const struct { const char *name; void (*work)(int); int vcpus; } activities[] = {
    {"timer10k", timer10k, 1}, {"smp", ipis, 2}, {"syscalls", syscalls, 1}, {"faults", faults, 1},
    {"forks", forks, 1}, {"storm", storm, 1}, {"load", load, 1}, {"busy", spin_all, 1},
};

void (*work_named(const char *name))(int) {
    for (size i = 0; i < sizeof activities / sizeof *activities; i++)
        if (equal(name, activities[i].name) && vcpus >= activities[i].vcpus) return activities[i].work;
    return 0;
}

struct shared *shared;

int share(void) {
    // PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS
    if (!shared) {
        word area = call6(__NR_mmap, 0, 4096, 3, 0x21, -1, 0);
        if (area < 0 && area > -4096) return 0;
        shared = (struct shared *)area;
    }
    shared->done = 0;
    shared->turn = 0;
    return 1;
}

void spin_all(int count) {
    for (int i = 1; i < count; i++)
        if (fork() == 0) spin();
    spin();
}

/// Wakes up 10,000 times a second by the kernel's timers, at real-time priority; those that it missed are left out.
void timer10k(int count) {
    (void)count;
    struct interval next;
    int priority = 95;
    call3(__NR_sched_setscheduler, 0, 1, &priority);         // SCHED_FIFO
    for (;;) {
        call2(__NR_clock_gettime, 1, &next);                 // CLOCK_MONOTONIC
        next.nanoseconds += 100000 - next.nanoseconds % 100000;
        if (next.nanoseconds >= 1000000000) next.seconds++, next.nanoseconds -= 1000000000;
        call4(__NR_clock_nanosleep, 1, 1, &next, 0);         // TIMER_ABSTIME
        shared->done++;
    }
}

static void pin(int cpu) {
    unsigned long set = 1UL << cpu;
    call3(__NR_sched_setaffinity, 0, sizeof set, &set);
}

static void hand_over(int to) {
    __atomic_store_n(&shared->turn, to, __ATOMIC_SEQ_CST);
    call3(__NR_futex, &shared->turn, 1, 1);                  // FUTEX_WAKE
    while (__atomic_load_n(&shared->turn, __ATOMIC_SEQ_CST) == to) call4(__NR_futex, &shared->turn, 0, to, 0);
}

/// One IPI a time from the first processor to the second, which works: a memory barrier on every processor that runs a
/// process which has registered for it (membarrier(2)).
void ipis(int count) {
    (void)count;
    if (fork() == 0) {
        pin(1);
        call3(__NR_membarrier, 1 << 2, 0, 0);                // MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED
        spin();
    }
    pin(0);
    for (;;) {
        call3(__NR_membarrier, 1 << 1, 0, 0);                // MEMBARRIER_CMD_GLOBAL_EXPEDITED
        shared->done++;
    }
}

/// Two processes on two processors wake each other up in turns: an IPI each, when the other sleeps by then.
void ping_pong(int count) {
    (void)count;
    if (fork() == 0) {
        pin(1);
        while (__atomic_load_n(&shared->turn, __ATOMIC_SEQ_CST) == 0) call4(__NR_futex, &shared->turn, 0, 0, 0);
        for (;;) hand_over(0);
    }
    pin(0);
    for (;;) {
        hand_over(1);
        shared->done += 2;
    }
}

void syscalls(int count) {
    (void)count;
    for (;;) {
        call0(__NR_getppid);
        shared->done++;
    }
}

/// Touches fresh pages of 4 KiB, one fault each.
void faults(int count) {
    (void)count;
    const size length = 4 << 20;
    for (;;) {
        word area = call6(__NR_mmap, 0, length, 3, 0x22, -1, 0);
        if (area < 0 && area > -4096) continue;
        call3(__NR_madvise, area, length, 15);               // MADV_NOHUGEPAGE
        for (size at = 0; at < length; at += 4096) {
            *(volatile char *)(area + at) = 1;
            shared->done++;
        }
        call2(__NR_munmap, area, length);
    }
}

/// Starts a static program of the C library and waits for its end, again and again.
void forks(int count) {
    (void)count;
    static const char *const arguments[] = {"true", 0}, *const environment[] = {0};
    for (;;) {
        word child = fork();
        if (child == 0) {
            call3(__NR_execve, "/bin/busybox", arguments, environment);
            quit(127);
        }
        if (child > 0) wait_for(child, 0);
        shared->done++;
    }
}

static void stream(void) {
    const size length = 8 << 20;
    word area = call6(__NR_mmap, 0, length, 3, 0x22, -1, 0);
    if (area < 0 && area > -4096) quit(1);
    for (unsigned long value = 0;; value++)
        for (size at = 0; at < length; at += 64) *(volatile unsigned long *)(area + at) = value;
}

static void ask_processor(void) {
    for (;;) {
        unsigned a = 0, b, c = 0, d;
        __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    }
}

/// All that a bad neighbour does: on every processor a stream of stores and one of CPUIDs, and IPIs between the first two.
void storm(int count) {
    for (int i = 0; i < count; i++) {
        if (fork() == 0) {
            pin(i);
            stream();
        }
        if (fork() == 0) {
            pin(i);
            ask_processor();
        }
    }
    if (count > 1) ping_pong(count);
    for (;;) wait_for(-1, 0);
}
