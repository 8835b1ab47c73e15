// Does what `role=` says, tells of it at the console in lines that begin with @wires, and sleeps.
#include "wires.h"
#include "../neighbour/neighbour.h"
#define ENTRIES 32
#include "rings.h"

volatile bool timer_is_over;
static bool is_watching;

void on_interrupt(uint32_t processor, uint32_t vector) {
    if (vector != TIMER_VECTOR) return;
    if (is_watching) pulse_tick(processor);
    timer_is_over = true;
}
void on_exception(uint32_t processor, const struct frame *frame) {
    print("@wires exception cpu=%u vector=%lu rip=%lx\n", processor, frame->vector, frame->rip);
}
void start_timer(uint64_t ms) {
    timer_is_over = false;
    wrmsr(APIC_DIVIDE, 11);
    wrmsr(APIC_LVT_TIMER, TIMER_VECTOR);  // one-shot
    wrmsr(APIC_INITIAL, timer_count * ms);
}
void sleep_ms(uint64_t ms) {
    start_timer(ms);
    interrupts_off();
    while (!timer_is_over) wait_for_interrupt();
    interrupts_on();
}

void watch_pulse(uint64_t seconds) {
    is_watching = true;
    pulse_start();
    MARK(PULSE);
    for (uint64_t i = 0; i < seconds * 10; i++) pulse_watch(0, 100);
    MARK(FULL_RATE);
    // A shot that brought no interrupt is missed once it has been silent for long; until then it is not known.
    for (pulse_check(0); pulses[0].silent_since; pulse_check(0)) pause();
    print("@wires pulse ticks=%lu missed=%lu\n", pulses[0].ticks, pulses[0].missed);
}

void print_characters(void) {
    static struct rings rings[2];
    uint32_t slot = find_function(CONSOLE_ID);
    if (!slot) return print("\n@wires error no console\n");
    uint16_t ports = virtio_enable(slot);
    virtio_reset(ports);
    struct places places[2] = {places_of(&rings[RECEIVE]), places_of(&rings[SEND])};
    virtio_start(ports, 0, ENTRIES, places);
    static char text = '.';
    rings[SEND].table[0] = (struct descriptor){(uint64_t)&text, 1, 0, 0};
    MARK(CHARACTER);
    for (uint32_t i = 0; i < CHARACTERS; i++) {
        rings[SEND].driver.entries[i % ENTRIES] = 0;
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        rings[SEND].driver.index++;
        out16(ports + NOTIFICATION, SEND);
    }
    MARK(0);
    uint32_t through = rings[SEND].device.index;
    virtio_reset(ports);
    MARK(PLAIN_CHARACTER);
    for (uint32_t i = 0; i < CHARACTERS; i++) console_put('.');
    MARK(0);
    print("\n@wires printed characters=%u\n", through);
}

void guest_main(void) {
    char role[16], text[16];
    timer_count = apic_timer_per_ms();
    interrupts_on();
    if (!option("role", role, sizeof role)) print("\n@wires error no role=\n");
    else if (equal(role, "print")) print_characters();
    else if (equal(role, "pulse")) watch_pulse(option("seconds", text, sizeof text) ? parse_number(text) : 2);
    else if (!card_start()) print("\n@wires error no link\n");
    else if (equal(role, "answer")) answer_for_ever();
    else if (equal(role, "receive")) receive_for_ever();
    else if (equal(role, "send")) send_everything();
    else if (equal(role, "stream")) stream_for_ever();
    else print("\n@wires error role=%s\n", role);
    print("@wires done\n");
    for (;;) asm volatile("hlt");
}
