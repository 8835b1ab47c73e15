// What the parts of /init of the guests at the ends of a wire offer each other.
#pragma once
#include <stdint.h>

// ../init/console.c, which is why nothing here opens a terminal.
void console_open(void);
void say(const char *text);
void say_number(long number);
int console_read(void);

/// Begins a phase of the counter (Tools/Counter/README.md): 1 is a window, 0 all else.
#define MARK(number) asm volatile(".byte 0x0F, 0x1F, 0x80\n\t.long 0x48560000 + %c0" ::"i"(number) : "memory")

/// What was done in a window.
struct window {
    long count, received, ms;
};
/// Milliseconds of CLOCK_MONOTONIC.
long now_ms(void);
void sleep_ms(long ms);

// init.c
/// Loads Debian's drivers of these names, separated by spaces, in that order; 0 when one could not be.
int load_modules(const char *names);
void unload_module(const char *name);
/// Writes a text into a file of the kernel's; 0 when it could not.
int put(const char *path, const char *text);
/// The number that a file of the kernel's begins with; -1 when there is none.
long get(const char *path);

// card.c
enum { FIRST = 1, SECOND = 2 };
/// Brings the card up as 10.9.0.END, with neighbours that are not asked for again, and at the first end waits for its link; 0 when there
/// is none.
int card_up(int end);
/// Whether the card is left what it offers (checksums, segments), or gets each frame whole: none longer than 1,514 bytes, with its
/// checksum; 0 when it goes on nevertheless.
int card_offloads(int on);
/// How many frames the card has received.
long card_received(void);
/// The address of the other end's card, as text; 0 when it is not known.
int card_neighbour(char text[18]);

// ask.c
/// Answers the other end's questions: how many frames it has received. Never returns, and never looks at the console.
void answer_for_ever(void);
/// What the other end has received; -1 when it does not answer within ten seconds.
long ask(void);

// frames.c
/// Frames of 1,500 bytes, `batch` at once with one notification, and a rest behind each batch (pktgen); 0 when it could not.
int frames(long batch, long count, struct window *);
/// The same to a card that leads nowhere (dummy): what the rests alone cost.
int rests(long batch, long count, struct window *);

// pings.c
/// Echo requests one after another, each when the one before was answered (ICMP); 0 when it could not.
int pings(long count, struct window *);

// characters.c
/// Characters on the virtio console, each written by itself; 0 when there is none.
int characters(long count, struct window *);

// stream.c
/// Serves iperf3 in the background; 0 when it could not.
int stream_serve(void);
/// iperf3 to the other end for so long. `received` is kilobits a second as its receiver saw them; 0 when it failed.
int stream(long seconds, struct window *);
