#include "guest.h"

#ifndef UART
#define UART 0x3F8
#endif

static int present;
static int room;    // bytes that the transmitter still takes without being asked

static inline void out8(unsigned short port, unsigned char value) {
    __asm__ volatile("outb %0, %1" ::"a"(value), "Nd"(port));
}
static inline unsigned char in8(unsigned short port) {
    unsigned char value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

void console_open(void) {
    if (call3(__NR_ioperm, UART, 8, 1) != 0) return;
    present = in8(UART + 5) != 0xFF;             // all ones: nobody answers at this port
    if (present) out8(UART + 2, 0x01);           // FIFOs on: 16 bytes per look at the line status
}

static void put(char c) {
    if (!present) return;
    // The transmitter is empty once bit 5 of the line status is set; with FIFOs it then takes 16 bytes.
    if (room == 0) {
        for (int tries = 0; tries < 100000 && !(in8(UART + 5) & 0x20); tries++) {}
        room = 16;
    }
    out8(UART, c);
    room--;
}

void say(const char *text) {
    room = 0;
    for (; *text; text++) {
        if (*text == '\n') put('\r');
        put(*text);
    }
}

void say_number(long n) {
    char digits[24];
    int at = sizeof digits;
    digits[--at] = 0;
    unsigned long rest = n < 0 ? -(unsigned long)n : (unsigned long)n;
    do digits[--at] = '0' + rest % 10;
    while (rest /= 10);
    if (n < 0) digits[--at] = '-';
    say(digits + at);
}

int console_read(void) {
    if (!present || !(in8(UART + 5) & 1)) return -1;
    return in8(UART);
}
