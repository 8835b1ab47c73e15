// The few system calls that /init makes, without a C library: a C library's start-up asks CPUID about 35 times, and
// each is an exit of the virtual machine.
#pragma once
#include <asm/unistd.h>

typedef unsigned long size;
typedef long word;

static inline word call6(word n, word a, word b, word c, word d, word e, word f) {
    word result;
    register word r10 __asm__("r10") = d;
    register word r8 __asm__("r8") = e;
    register word r9 __asm__("r9") = f;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}
#define call0(n) call6(n, 0, 0, 0, 0, 0, 0)
#define call1(n, a) call6(n, (word)(a), 0, 0, 0, 0, 0)
#define call2(n, a, b) call6(n, (word)(a), (word)(b), 0, 0, 0, 0)
#define call3(n, a, b, c) call6(n, (word)(a), (word)(b), (word)(c), 0, 0, 0)
#define call4(n, a, b, c, d) call6(n, (word)(a), (word)(b), (word)(c), (word)(d), 0, 0)
#define call5(n, a, b, c, d, e) call6(n, (word)(a), (word)(b), (word)(c), (word)(d), (word)(e), 0)

#define O_RDONLY 0
#define O_WRONLY 1
#define O_RDWR 2
#define SIGKILL 9
#define SIGUSR1 10
#define SIGCHLD 17
#define WNOHANG 1

static inline word open(const char *path, int flags) { return call3(__NR_open, path, flags, 0); }
static inline word read(int fd, void *to, size n) { return call3(__NR_read, fd, to, n); }
static inline word write(int fd, const void *from, size n) { return call3(__NR_write, fd, from, n); }
static inline word close(int fd) { return call1(__NR_close, fd); }
static inline word fork(void) { return call0(__NR_fork); }
static inline void quit(int code) { for (;;) call1(__NR_exit_group, code); }
static inline word kill(word pid, int signal) { return call2(__NR_kill, pid, signal); }
static inline word wait_for(word pid, int options) { return call4(__NR_wait4, pid, 0, options, 0); }

struct interval { long seconds, nanoseconds; };
static inline void sleep_ms(long ms) {
    struct interval time = {ms / 1000, ms % 1000 * 1000000};
    while (call2(__NR_nanosleep, &time, &time) == -4) {}     // EINTR: sleep on
}
static inline long now_ms(void) {
    struct interval time;
    call2(__NR_clock_gettime, 1, &time);                     // CLOCK_MONOTONIC
    return time.seconds * 1000 + time.nanoseconds / 1000000;
}
