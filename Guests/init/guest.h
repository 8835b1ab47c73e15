// What the parts of /init offer each other.
#pragma once
#include "linux.h"

// console.c: the UART at 3F8h, moved by hand (see Guests/README.md for why).
void console_open(void);
void say(const char *text);
void say_number(long number);
/// One received byte, or -1.
int console_read(void);

// init.c
/// Loads a driver, of the kernel that runs; 0 or the negative error number.
long load_module(const char *name);

// text.c
void *memset(void *to, int value, size n);
int equal(const char *a, const char *b);
/// The rest of `line` behind `word` and the spaces after it; 0 when the line starts with something else.
const char *after(const char *line, const char *word);
/// Copies text with its end; the new end, where more may follow.
char *append(char *to, const char *text);
/// A decimal number of at most nine digits that fills the whole text up to a space, a line's or the text's end; -1 otherwise.
long number(const char *text);
/// The file's first bytes as text, at most n - 1 of them.
word read_text(const char *path, char *to, size n);

// load.c: never return.
void spin(void);
void load(int vcpus);

// work.c: what the activities do; none of them returns.
void spin_all(int vcpus);
void timer10k(int vcpus);
void ipis(int vcpus);
void ping_pong(int vcpus);
void syscalls(int vcpus);
void faults(int vcpus);
void forks(int vcpus);
void storm(int vcpus);
/// The work of this name; 0 when there is none, or when it needs more processors.
void (*work_named(const char *name))(int vcpus);
/// What an activity shares with /init: how much it has done, and whose turn it is.
struct shared { volatile unsigned long done; int turn; };
extern struct shared *shared;
/// Makes or clears it; 0 when there is no memory.
int share(void);

// histogram.c
/// Reads what cyclictest prints until it ends.
void histogram_read(int from);
/// Prints the histogram and the latency; 0 when nothing was read.
int histogram_say(void);

// activity.c
extern int vcpus;
/// Starts an activity in the background (it replaces the one before); 0 when there is none of that name.
int activity_start(const char *name);
void activity_stop(void);
/// Prints the latency of the running cyclictest; 0 when none runs.
int activity_report(void);
/// Runs a silent window; 0 when there is no phase of that name.
int phase(const char *name, long seconds);
void shell(void);

// command.c
void command(const char *line);
