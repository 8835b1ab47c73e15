// What is measured of wires and of the virtio console: guests that send, receive, watch their timer and print, by `role=`.
#pragma once
#include "mark.h"
#include "runtime.h"

/// The phases of the counter; the rest is 0. They are in `Sources/Host/TestKit/Measurement/WireMeter.swift`
/// by their names.
enum { SMALL_1 = 1, SMALL_8, SMALL_64, LARGE_1, LARGE_8, LARGE_64, ROUND_TRIP, FULL_RATE, PULSE, CHARACTER, PLAIN_CHARACTER, PHASES };

/// How many frames of each kind of batch, how many round trips, how many characters.
enum { FRAMES_1 = 200, FRAMES_8 = 1600, FRAMES_64 = 3200, ROUND_TRIPS = 200, CHARACTERS = 500 };
/// Bytes of a small frame and of a large one.
enum { SMALL = 60, LARGE = 1500 };

/// What a frame asks of the receiver: to be counted, to be sent back, to be sent back with how many were counted in its phase.
enum { COUNT, ECHO, TELL };
/// Behind the Ethernet header, whose type (88B5h) is for experiments.
struct message {
    uint32_t kind, phase, count;
};

/// Brings this end up, and waits for the other one's.
bool card_start(void);
/// Sends `count` frames at once, at most 64, and waits until the buffers are ours again.
void card_send(uint32_t count, uint32_t length, struct message message);
/// Sends one frame as it is.
void card_send_frame(const uint8_t *frame, uint32_t length);
/// Takes what has come, and gives the buffers back.
void card_take(void (*each)(const uint8_t *frame, uint32_t length));
struct message message_of(const uint8_t *frame);
/// Sleeps until there is something to take, the timer is over, or another interrupt.
void card_wait(void);

void send_everything(void);
[[noreturn]] void receive_for_ever(void);
/// Sends large frames as fast as the device gives their buffers back.
[[noreturn]] void stream_for_ever(void);
/// Answers whoever asks for the address 10.9.0.2, and nothing else.
[[noreturn]] void answer_for_ever(void);
/// Prints one character a time on the virtio console, then on the UART.
void print_characters(void);
/// Watches the timer for that long beside a wire at its full rate.
void watch_pulse(uint64_t seconds);
/// Set by the timer's interrupt.
extern volatile bool timer_is_over;
/// Without an exit; at most 4,000 ms, as the count has 32 bits (an emulated timer ticks each nanosecond).
void start_timer(uint64_t ms);
/// Sleeps, without an exit.
void sleep_ms(uint64_t ms);
