// The two ends of the wire that is measured. What is sent at once is a batch; between two the sender sleeps, so that the
// receiver does, too.
#include "wires.h"

static volatile uint32_t counts[PHASES], answers;
static volatile uint32_t told, asked;

static void receive(const uint8_t *frame, uint32_t length) {
    (void)length;
    struct message message = message_of(frame);
    if (message.kind == COUNT && message.phase < PHASES) counts[message.phase]++;
    if (message.kind == COUNT) return;
    // All since this guest was started: an answer that is lost takes nothing with it.
    if (message.kind == TELL && message.phase < PHASES) message.count = counts[message.phase];
    card_send(1, SMALL, message);
}
void receive_for_ever(void) {
    print("@wires receives\n");
    for (;;) {
        card_take(receive);
        card_wait();
    }
}

static void hear(const uint8_t *frame, uint32_t length) {
    (void)length;
    struct message message = message_of(frame);
    // One that comes late is of the phase before.
    if (message.phase != asked) return;
    answers++;
    if (message.kind == TELL && message.count > told) told = message.count;
}
/// Sends one frame and waits for the answer; false when there is none within four seconds. The frame is lost where the other end
/// has not taken what was sent before it, and no interrupt tells of that: the timer does.
static bool ask(uint32_t kind, uint32_t phase) {
    uint32_t before = answers;
    asked = phase;
    card_send(1, SMALL, (struct message){kind, phase, 0});
    for (start_timer(4000); answers == before && !timer_is_over; card_take(hear)) card_wait();
    return answers != before;
}
/// How many frames of a phase have been received since this was asked last.
static uint32_t received_of(uint32_t phase) {
    static uint32_t before[PHASES];
    told = before[phase];
    for (int i = 0; i < 12 && !ask(TELL, phase); i++) print("@wires asks again phase=%u\n", phase);
    uint32_t received = told - before[phase];
    before[phase] = told;
    return received;
}
static void send_batches(uint32_t phase, uint32_t batch, uint32_t length, uint32_t frames) {
    // A batch that the other end has not taken before the next one finds less room: the more frames, the longer.
    uint64_t rest = batch == 64 ? 10 : 2;
    for (uint32_t sent = 0; sent < frames; sent += batch) {
        card_send(batch, length, (struct message){COUNT, phase, 0});
        sleep_ms(rest);
    }
    // What was held back is through by then.
    sleep_ms(100);
}
/// Where the machine beneath an emulator was too busy for the receiver to keep up, frames are lost, and the phase comes again.
#define BATCHES(phase, batch, length, frames) \
    do { \
        uint32_t tries = 0, received; \
        do { \
            MARK(phase); \
            send_batches(phase, batch, length, frames); \
            MARK(0); \
            received = received_of(phase); \
        } while (received != frames && ++tries < 6); \
        print("@wires sent phase=%u frames=%u received=%u\n", phase, frames, received); \
    } while (0)

void send_everything(void) {
    BATCHES(SMALL_1, 1, SMALL, FRAMES_1);
    BATCHES(SMALL_8, 8, SMALL, FRAMES_8);
    BATCHES(SMALL_64, 64, SMALL, FRAMES_64);
    BATCHES(LARGE_1, 1, LARGE, FRAMES_1);
    BATCHES(LARGE_8, 8, LARGE, FRAMES_8);
    BATCHES(LARGE_64, 64, LARGE, FRAMES_64);
    uint32_t done = 0;
    MARK(ROUND_TRIP);
    while (done < ROUND_TRIPS && ask(ECHO, ROUND_TRIP)) done++;
    MARK(0);
    print("@wires sent phase=%u frames=%u received=%u\n", ROUND_TRIP, ROUND_TRIPS, done);
    char text[16];
    uint64_t seconds = option("seconds", text, sizeof text) ? parse_number(text) : 6, frames = 0;
    print("@wires full-rate\n");
    MARK(FULL_RATE);
    for (uint64_t start = rdtsc(); rdtsc() - start < seconds * 1000 * machine.tsc_khz; frames += 64)
        card_send(64, LARGE, (struct message){COUNT, FULL_RATE, 0});
    sleep_ms(200);
    MARK(0);
    print("@wires sent phase=%u frames=%lu received=%u\n", FULL_RATE, frames, received_of(FULL_RATE));
}
void stream_for_ever(void) {
    print("@wires streams\n");
    for (;;) card_send(64, LARGE, (struct message){COUNT, FULL_RATE, 0});
}
