// Work that keeps a whole guest busy: arithmetic, page faults and unmapping, process creation and context switches.
#include "guest.h"

void spin(void) {
    for (;;) __asm__ volatile("");
}

static void arithmetic(void) {
    volatile unsigned long sink = 0;
    unsigned long a = 88172645463325252UL;
    for (;;) {
        a ^= a << 13, a ^= a >> 7, a ^= a << 17;
        sink += a / (a >> 40 | 1);
    }
}

static void memory(void) {
    const size length = 8 << 20;
    for (;;) {
        // PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS
        word area = call6(__NR_mmap, 0, length, 3, 0x22, -1, 0);
        if (area < 0 && area > -4096) {
            sleep_ms(10);
            continue;
        }
        for (size i = 0; i < length; i += 64) *(volatile unsigned long *)(area + i) = i;
        call2(__NR_munmap, area, length);
    }
}

static void processes(void) {
    for (;;) {
        word child = fork();
        if (child == 0) quit(0);
        if (child > 0) wait_for(child, 0);
        else sleep_ms(10);
    }
}

void load(int vcpus) {
    for (int i = 0; i < vcpus; i++) {
        if (fork() == 0) arithmetic();
        if (fork() == 0) memory();
        if (fork() == 0) processes();
    }
    for (;;) wait_for(-1, 0);
}
