// A driver for the end of a wire that costs what Linux' does: it notifies where the device asks for it, is interrupted where it
// has asked for it (VIRTIO_F_EVENT_IDX), and takes all that has come at once.
#include "wires.h"
#define ENTRIES 128
#include "rings.h"

#define VECTOR 0x72
#define HEADER 12
/// Frames at once, at most.
#define BATCH 64
/// Where a frame's message is: behind the addresses and the type.
#define MESSAGE 14
static struct rings rings[2];
static uint8_t out[BATCH][HEADER + LARGE], in[ENTRIES][2048];
static uint16_t ports, seen;

static void put(uint16_t ring, uint16_t i, void *buffer, uint32_t length, uint16_t flags) {
    rings[ring].table[i] = (struct descriptor){(uint64_t)buffer, length, flags, 0};
}
/// Gives the device `count` chains whose heads are in place, and notifies where it asks for that.
static void give(uint16_t ring, uint16_t count) {
    volatile struct driver_area *driver = &rings[ring].driver;
    uint16_t old = driver->index, new = (uint16_t)(old + count);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    driver->index = new;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    // Section 2.7.10.1: whether the event is among those just given.
    if ((uint16_t)(new - rings[ring].device.event - 1) < count) out16(ports + NOTIFICATION, ring);
}

bool card_start(void) {
    uint32_t slot = find_function(NETWORK_ID);
    if (!slot) return false;
    ports = virtio_enable(slot);
    virtio_reset(ports);
    virtio_interrupts(slot, VECTOR);
    // Nothing that is sent interrupts: this end waits for it.
    rings[SEND].driver.event = 0x8000;
    struct places places[2] = {places_of(&rings[RECEIVE]), places_of(&rings[SEND])};
    virtio_start(ports, EVENT_INDEX, ENTRIES, places);
    for (uint16_t i = 0; i < ENTRIES; i++) {
        put(RECEIVE, i, in[i], sizeof in[i], WRITE);
        rings[RECEIVE].driver.entries[i] = i;
    }
    give(RECEIVE, ENTRIES);
    for (uint16_t i = 0; i < BATCH; i++) {
        memset(out[i] + HEADER, 255, 6);
        out[i][HEADER + 6] = 2, out[i][HEADER + 12] = 0x88, out[i][HEADER + 13] = 0xB5;
    }
    for (int i = 0; i < 600; i++) {
        if (virtio_link(ports)) return true;
        sleep_ms(100);
    }
    return false;
}
void card_send(uint32_t count, uint32_t length, struct message message) {
    volatile struct driver_area *driver = &rings[SEND].driver;
    for (uint32_t i = 0; i < count; i++) {
        memcpy(out[i] + HEADER + MESSAGE, &message, sizeof message);
        put(SEND, (uint16_t)i, out[i], HEADER + length, 0);
        driver->entries[(driver->index + i) % ENTRIES] = (uint16_t)i;
    }
    // So that the device finds none of those before it that would interrupt.
    driver->event = (uint16_t)(driver->index + 0x8000);
    give(SEND, (uint16_t)count);
    while (rings[SEND].device.index != driver->index) pause();
}
void card_send_frame(const uint8_t *frame, uint32_t length) {
    volatile struct driver_area *driver = &rings[SEND].driver;
    memcpy(out[0] + HEADER, frame, length);
    put(SEND, 0, out[0], HEADER + length, 0);
    driver->entries[driver->index % ENTRIES] = 0;
    driver->event = (uint16_t)(driver->index + 0x8000);
    give(SEND, 1);
    while (rings[SEND].device.index != driver->index) pause();
}
struct message message_of(const uint8_t *frame) {
    struct message message;
    memcpy(&message, frame + MESSAGE, sizeof message);
    return message;
}
void card_take(void (*each)(const uint8_t *frame, uint32_t length)) {
    volatile struct driver_area *driver = &rings[RECEIVE].driver;
    uint16_t count = 0;
    for (; seen != rings[RECEIVE].device.index; seen++, count++) {
        uint32_t head = rings[RECEIVE].device.entries[seen % ENTRIES].head;
        uint32_t length = rings[RECEIVE].device.entries[seen % ENTRIES].length;
        driver->entries[(driver->index + count) % ENTRIES] = (uint16_t)head;
        each(in[head % ENTRIES] + HEADER, length - HEADER);
    }
    if (count) give(RECEIVE, count);
}
void card_wait(void) {
    interrupts_off();
    rings[RECEIVE].driver.event = seen;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (seen == rings[RECEIVE].device.index && !timer_is_over) wait_for_interrupt();
    interrupts_on();
}
