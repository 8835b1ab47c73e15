// Frames and buffers of every length, rings that lie in one another, and what changes while frames are moved: by a second vCPU,
// at both queues.
#include "wire.h"

static void tell(const char *name, const char *seen) {
    char whole[40];
    format_into(whole, sizeof whole, "wire-%s", name);
    attempt(whole, "%s,%s", seen, works());
}
static void begin(const char *name) {
    announce("wire", name);
    start(), link_up();
}
static const char *sent(void) {
    return status() & NEEDS_RESET ? "refused" : rings[SEND].device.index ? "taken" : "nothing";
}
/// Sends what is described from descriptor 0 on.
static void send_chain(const char *name) {
    give(SEND, 0, 1);
    tell(name, sent());
}
static void one(const char *name, uint64_t address, uint32_t length) {
    begin(name);
    put(SEND, 0, address, length, 0, 0);
    send_chain(name);
}
static void receive_at(const char *name, uint64_t address) {
    char whole[40];
    format_into(whole, sizeof whole, "in-%s", name);
    begin(whole);
    put(RECEIVE, 0, address, sizeof in[0], WRITE, 0);
    give(RECEIVE, 0, 1);
    provoke(name);
}

static void lengths(void) {
    static uint8_t large[65536];
    memset(large + HEADER, 255, 6);
    one("frame-0", (uint64_t)large, 0);
    one("frame-12", (uint64_t)large, HEADER);
    one("frame-13", (uint64_t)large, HEADER + 1);
    one("frame-1526", (uint64_t)large, HEADER + 1514);
    one("frame-65535", (uint64_t)large, HEADER + 65523);
    // 16 bits of what it is together are the length of a frame.
    begin("sum-of-16-bits");
    for (uint16_t i = 0; i < 4; i++) put(SEND, i, (uint64_t)large, 16384, NEXT, i + 1);
    put(SEND, 4, (uint64_t)large, HEADER + FRAME, 0, 0);
    send_chain("sum-of-16-bits");
    // As much as a chain can be: all of the memory, sixteen times.
    begin("largest-chain");
    for (uint16_t i = 0; i < 16; i++) put(SEND, i, 0, (uint32_t)low_memory_end(), i < 15 ? NEXT : 0, i + 1);
    send_chain("largest-chain");
    begin("chain-wraps");
    put(SEND, 0, (uint64_t)out, HEADER, NEXT, 1), put(SEND, 1, ~0ull - 59, 120, 0, 0);
    send_chain("chain-wraps");
    begin("in-chain-wraps");
    put(RECEIVE, 0, (uint64_t)in[0], HEADER, WRITE | NEXT, 1), put(RECEIVE, 1, ~0ull - 59, 120, WRITE, 0);
    give(RECEIVE, 0, 1);
    provoke("chain-wraps");
    uint64_t page = config_read(slot, 0x14) & ~0xFu;
    one("msix-page", page, 128);
    receive_at("msix-page", page);
    one("unclaimed", 0xF0000000, 128);
    receive_at("unclaimed", 0xF0000000);
}

static void aliases(void) {
    begin("areas-are-one");
    start_at(SEND, 0, 0, (uint64_t)&rings[SEND].driver);
    put(SEND, 0, (uint64_t)out, HEADER + FRAME, 0, 0);
    give(SEND, 0, 1);
    tell("areas-are-one", sent());
    // What is offered to be written is then to be read as well.
    begin("queues-are-one");
    reset();
    struct places same[2] = {places_of(&rings[SEND]), places_of(&rings[SEND])};
    virtio_start(ports, 0, ENTRIES, same);
    put(SEND, 0, (uint64_t)out, HEADER + FRAME, WRITE, 0);
    link_up();
    give(SEND, 0, 1);
    tell("queues-are-one", sent());
    receive_at("over-table", (uint64_t)rings[RECEIVE].table);
    // The first frame changes the index, which is read for the next.
    begin("in-over-rings");
    put(RECEIVE, 0, (uint64_t)&rings[RECEIVE].driver, sizeof in[0], WRITE, 0);
    give(RECEIVE, 0, 1);
    for (int i = 0; i < 3; i++) ask(), delay_us(100000);
    provoke("over-rings");
}

static void events(void) {
    uint64_t seed = 0xE7E7;
    announce("wire", "event-index");
    reset();
    memset(rings, 0, sizeof rings);
    struct places places[2] = {places_of(&rings[RECEIVE]), places_of(&rings[SEND])};
    virtio_start(ports, EVENT_INDEX, ENTRIES, places);
    link_up();
    offer_buffers();
    put(SEND, 0, (uint64_t)out, HEADER + FRAME, 0, 0);
    for (uint32_t i = 0; i < 5000; i++) {
        uint64_t value = next_random(&seed);
        rings[SEND].driver.event = (uint16_t)value, rings[RECEIVE].driver.event = (uint16_t)(value >> 16);
        rings[SEND].device.event = (uint16_t)(value >> 32), rings[RECEIVE].device.event = (uint16_t)(value >> 48);
        give(SEND, 0, (uint16_t)(value % ENTRIES));
    }
    tell("event-index", status() & NEEDS_RESET ? "refused" : "lives");
}

// What the second vCPU does while this one sends and receives.
static volatile bool over;
static uint64_t seed_of_other = 0x07E4;
static void notify_receiving(uint32_t index) {
    (void)index;
    while (!over) out16(ports + NOTIFICATION, RECEIVE);
}
static void change_buffers(uint32_t index) {
    (void)index;
    uint64_t own = (uint64_t)in[0], end = low_memory_end();
    while (!over) {
        uint64_t value = next_random(&seed_of_other);
        uint64_t address = value & 1 ? own : value & 2 ? end - 100 : value & 4 ? ~0ull - 7 : 0x10000000;
        put(RECEIVE, value >> 8 & 31, address, value & 64 ? 2048 : 0xFFFFFF00, value >> 16 & 7, value >> 20 & 63);
    }
}
static void change_indices(uint32_t index) {
    (void)index;
    while (!over) {
        uint64_t value = next_random(&seed_of_other);
        rings[RECEIVE].driver.index = (uint16_t)value & 63, rings[RECEIVE].driver.entries[value >> 8 & 31] = value >> 16 & 63;
    }
}
static void disable_queues(uint32_t index) {
    (void)index;
    for (uint16_t i = 0; !over; i++) {
        out16(ports + 0x16, i & 1);
        out16(ports + 0x1C, 0), out16(ports + 0x18, 1);
    }
}
static void stop_by_ports(uint32_t index) {
    (void)index;
    while (!over) config_write(slot, 4, 0x403), config_write(slot, 4, 0x407);
}
static void stop_by_memory(uint32_t index) {
    (void)index;
    volatile uint32_t *command = config_memory(slot, 4);
    while (!over) *command = 0x403, *command = 0x407;
}
// The driver's reset; and bit 15 wherever it is a function's own (PCI Express Base 6.0, section 7.5.3.4), if it has one.
static void reset_by_all(uint32_t index) {
    (void)index;
    while (!over) {
        for (uint32_t reg = 0x44; reg < 0x100; reg += 4) config_write(slot, reg, 0x8000);
        reset();
        start();
    }
}
static void change_messages(uint32_t index) {
    (void)index;
    uint32_t own = 0xFEE00000 | machine.apic_ids[0] << 12;
    const uint32_t addresses[] = {own, 0xFEE00000, 0xFEE01000, 0xFEE04000, 0xFEEFF000, own};
    static const uint32_t messages[] = {VECTOR, 15, 2, 0x400 | VECTOR, 0x200, 0x500};
    volatile uint32_t *entry = map_outside_address(config_read(slot, 0x14) & ~0xFu);
    // A start of the guest masks it.
    entry[3] = 0;
    while (!over) {
        uint64_t value = next_random(&seed_of_other);
        entry[0] = addresses[value % 6], entry[2] = messages[(value >> 8) % 6];
    }
}

/// One turn: a frame is sent, and one is received if somebody answers. Nothing is waited for.
static void turn(void) {
    if (rings[SEND].device.index == rings[SEND].driver.index) {
        put(SEND, 0, (uint64_t)out, HEADER + FRAME, 0, 0);
        give(SEND, 0, 1);
    } else {
        out16(ports + NOTIFICATION, SEND);
    }
    if ((uint16_t)(rings[RECEIVE].driver.index - rings[RECEIVE].device.index) < ENTRIES) give(RECEIVE, 0, 1);
}
/// - Parameter rest: microseconds between two turns, in which an answer comes.
static void beside(const char *name, void (*other)(uint32_t), uint32_t turns, uint32_t rest) {
    begin(name);
    offer_buffers();
    ask();
    over = false;
    bool runs = start_processor(1, other);
    uint32_t refused = 0;
    for (uint32_t i = 0; i < turns; i++) {
        if (status() & NEEDS_RESET) refused++, start(), offer_buffers(), link_up();
        turn();
        if (rest) delay_us(rest);
    }
    over = true;
    delay_us(10000);
    char whole[40], seen[40];
    format_into(whole, sizeof whole, "wire-%s", name);
    format_into(seen, sizeof seen, "%s,%u-refused", runs ? "raced" : "alone", refused);
    attempt(whole, "%s,%s", seen, works());
}
static void messages(void) {
    uint64_t own = interrupts[VECTOR], others = 0, before[256];
    for (uint32_t v = 0; v < 256; v++) before[v] = interrupts[v];
    announce("wire", "message-changes");
    start(), link_up();
    offer_buffers();
    config_write(slot, 0x40, 1u << 31);
    over = false;
    bool runs = start_processor(1, change_messages);
    interrupts_on();
    for (uint32_t i = 0; i < 5000; i++) turn();
    interrupts_off();
    over = true;
    delay_us(10000);
    config_write(slot, 0x40, 0);
    for (uint32_t v = 32; v < 256; v++)
        if (v != VECTOR) others += interrupts[v] - before[v];
    attempt("wire-message-changes", "%s,%lu-own,%lu-other,%lu-nmis,%s", runs ? "raced" : "alone",
            interrupts[VECTOR] - own, others, interrupts[2] - before[2], works());
    interrupt("neighbour-nmi", 0xFEE01000, 0x400 | VECTOR);
    interrupt("server-init", 0xFEE04000, 0x500);
}

static void changes(void) {
    beside("notifications-of-both", notify_receiving, 30000, 0);
    beside("in-changes", change_buffers, 1000, 300);
    beside("in-indices", change_indices, 1000, 300);
    beside("queues-disabled", disable_queues, 5000, 0);
    beside("master-off-by-ports", stop_by_ports, 3000, 0);
    beside("master-off-by-memory", stop_by_memory, 3000, 0);
    beside("in-resets", reset_by_all, 1000, 300);
    messages();
}
bool attack_transfers(const char *group) {
    bool any = false;
    if (is_wanted(group, "lengths")) lengths(), any = true;
    if (is_wanted(group, "aliases")) aliases(), events(), any = true;
    if (is_wanted(group, "changes")) changes(), any = true;
    return any;
}
