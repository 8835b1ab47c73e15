// The end of a port to a partition that serves this one (virtio 1.2, section 5.3, with MULTIPORT): control queues that cannot be, ports
// that are not there, ends that are opened, closed and reset all the time, and one that never reads. The other end is a Linux
// that sends back what comes: it must go on doing so.
#include "virtio.h"

#define PIECE 4096
enum { CONTROL_IN = 2, CONTROL_OUT = 3, QUEUES = 4, MULTIPORT = 2 };
enum { READY = 0, PORT_READY = 3, OPEN = 6 };
struct message { uint32_t port; uint16_t event, value; };

static struct rings queues[QUEUES];
static uint8_t buffers[ENTRIES][PIECE], replies[ENTRIES][64], bytes[8 * PIECE];
static struct message spoken[ENTRIES];
static uint16_t taken, heard;

static void describe(uint16_t queue, uint16_t i, uint64_t address, uint32_t length, uint16_t flags, uint16_t next) {
    queues[queue].table[i] = (struct descriptor){address, length, flags, next};
}
static void notify(uint16_t queue) { out16(ports + NOTIFICATION, queue); }
static void offer(uint16_t queue, uint16_t head) {
    volatile struct driver_area *driver = &queues[queue].driver;
    driver->entries[driver->index % ENTRIES] = head;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    driver->index++;
    notify(queue);
}
static void begin_at(uint16_t queue, uint64_t table, uint64_t driver, uint64_t device) {
    virtio_enable(slot);
    reset();
    memset(queues, 0, sizeof queues);
    taken = heard = 0;
    struct places places[QUEUES];
    for (int i = 0; i < QUEUES; i++) places[i] = places_of(&queues[i]);
    if (table) places[queue].table = table;
    if (driver) places[queue].driver = driver;
    if (device) places[queue].device = device;
    virtio_start_queues(ports, MULTIPORT, ENTRIES, places, QUEUES);
}
static void begin(void) { begin_at(0, 0, 0, 0); }
static void offer_replies(uint32_t length) {
    for (uint16_t i = 0; i < ENTRIES; i++) describe(CONTROL_IN, i, (uint64_t)replies[i], length, WRITE, 0), offer(CONTROL_IN, i);
}
static void offer_buffers_of(uint32_t length) {
    for (uint16_t i = 0; i < ENTRIES; i++) describe(RECEIVE, i, (uint64_t)buffers[i], length, WRITE, 0), offer(RECEIVE, i);
}
static void say(uint32_t port, uint16_t event, uint16_t value) {
    uint16_t i = queues[CONTROL_OUT].driver.index % ENTRIES;
    spoken[i] = (struct message){port, event, value};
    describe(CONTROL_OUT, i, (uint64_t)&spoken[i], sizeof spoken[i], 0, 0);
    offer(CONTROL_OUT, i);
}
static void greet(void) { say(~0u, READY, 1), say(0, PORT_READY, 1); }
// Whether the device says that the other end is open, within two seconds.
static bool other_end_opens(void) {
    bool is_open = false;
    for (int i = 0; i < 2000 && !is_open; i++) {
        while (heard != queues[CONTROL_IN].device.index) {
            uint16_t head = queues[CONTROL_IN].device.entries[heard++ % ENTRIES].head % ENTRIES;
            const struct message *reply = (const struct message *)replies[head];
            if (reply->event == OPEN) is_open = reply->value;
            offer(CONTROL_IN, head);
        }
        if (!is_open) delay_us(1000);
    }
    return is_open;
}
static bool has_room(void) { return (uint16_t)(queues[SEND].driver.index - queues[SEND].device.index) < ENTRIES; }
static void send(uint32_t length) {
    uint16_t i = queues[SEND].driver.index % ENTRIES;
    describe(SEND, i, (uint64_t)bytes, length, 0, 0);
    offer(SEND, i);
}
// Whether what is sent comes back; what others have sent before may come first.
static bool echoes(void) {
    static uint64_t seed = 0x9047;
    uint32_t matched = 0;
    for (int i = 0; i < 32; i += 8) {
        uint64_t value = next_random(&seed) | 1;
        memcpy(bytes + i, &value, 8);
    }
    send(32);
    for (int ms = 0; ms < 10000; ms++) {
        while (taken != queues[RECEIVE].device.index) {
            uint16_t head = queues[RECEIVE].device.entries[taken % ENTRIES].head % ENTRIES;
            uint32_t length = queues[RECEIVE].device.entries[taken++ % ENTRIES].length;
            for (uint32_t k = 0; k < length && k < PIECE; k++) {
                uint8_t byte = buffers[head][k];
                matched = byte == bytes[matched] ? matched + 1 : byte == bytes[0];
                if (matched == 32) return true;
            }
            offer(RECEIVE, head);
        }
        delay_us(1000);
    }
    return false;
}
static void open_end(void) {
    begin();
    offer_replies(sizeof replies[0]);
    offer_buffers_of(PIECE);
    greet();
    say(0, OPEN, 1);
}
static const char *port_works(void) {
    bool found = false;
    for (int tries = 0; tries < 5 && !found; tries++) {
        open_end();
        found = other_end_opens() && echoes();
    }
    bool lives = !(status() & NEEDS_RESET);
    reset();
    return found && lives ? "works" : "broken";
}
static const char *lives(void) { return status() & NEEDS_RESET ? "refused" : "lives"; }

static void spoken_at(const char *name, uint64_t address, uint32_t length, uint16_t flags, uint16_t next) {
    announce("port", name);
    begin();
    describe(CONTROL_OUT, 0, address, length, flags, next);
    offer(CONTROL_OUT, 0);
    attempt(name, "%s,%s", lives(), port_works());
}
static void heard_at(const char *name, uint64_t address, uint32_t length, uint16_t flags, uint16_t next) {
    announce("port", name);
    begin();
    describe(CONTROL_IN, 0, address, length, flags, next);
    for (int i = 0; i < 4; i++) offer(CONTROL_IN, 0);
    greet();
    attempt(name, "%s,%s", lives(), port_works());
}
static void control(void) {
    uint64_t own = (uint64_t)spoken, in = (uint64_t)replies[0], end = low_memory_end();
    spoken_at("port-control-loop", own, 1, NEXT, 0);
    spoken_at("port-control-next-outside", own, 1, NEXT, ENTRIES);
    spoken_at("port-control-writable", own, 8, WRITE, 0);
    spoken_at("port-control-neighbour", 0x10000000, 8, 0, 0);
    spoken_at("port-control-end-of-memory", end - 4, 8, 0, 0);
    spoken_at("port-control-local-apic", 0xFEE00000, 8, 0, 0);
    spoken_at("port-control-wraps", ~0ull - 3, 8, 0, 0);
    spoken_at("port-control-short", own, 7, 0, 0);
    spoken_at("port-control-empty", own, 0, 0, 0);
    spoken_at("port-control-long", (uint64_t)bytes, sizeof bytes, 0, 0);
    heard_at("port-replies-loop", in, 1, NEXT | WRITE, 0);
    heard_at("port-replies-readable", in, 64, 0, 0);
    heard_at("port-replies-neighbour", 0x10000000, 64, WRITE, 0);
    heard_at("port-replies-behind-memory", end, 64, WRITE, 0);
    heard_at("port-replies-local-apic", 0xFEE00000, 64, WRITE, 0);
    heard_at("port-replies-small", in, 5, WRITE, 0);
    heard_at("port-replies-empty", in, 0, WRITE, 0);
    static const uint64_t places[] = {0x10000000, 0xFEE00000, 1ull << 40};
    for (int queue = CONTROL_IN; queue < QUEUES; queue++) {
        char name[40];
        format_into(name, sizeof name, "port-areas-%s", queue == CONTROL_IN ? "replies" : "control");
        announce("port", name);
        uint32_t refused = 0;
        for (int i = 0; i < 9; i++) {
            uint64_t at = places[i / 3];
            begin_at((uint16_t)queue, i % 3 == 0 ? at : 0, i % 3 == 1 ? at : 0, i % 3 == 2 ? at : 0);
            offer_replies(64);
            greet();
            refused += status() & NEEDS_RESET ? 1 : 0;
        }
        attempt(name, "%u-refused,%s", refused, port_works());
    }
    // Ports that are not there, and events that are none.
    announce("port", "port-numbers");
    open_end();
    uint64_t seed = 0x1D5;
    for (int i = 0; i < 5000; i++) {
        uint64_t value = next_random(&seed);
        uint32_t port = value & 1 ? 1u << (value >> 8 & 31) : (uint32_t)(value >> 32) | 1;
        say(port, value & 2 ? OPEN : (uint16_t)(value >> 16 & 15), value & 4 ? 1 : (uint16_t)(value >> 48));
    }
    attempt("port-numbers", "%s,%s", lives(), port_works());
}

static void opens(void) {
    announce("port", "port-opens");
    open_end();
    for (int i = 0; i < 20000; i++) say(0, OPEN, i & 1);
    attempt("port-opens", "%s,%s", lives(), port_works());
    announce("port", "port-readies");
    open_end();
    for (int i = 0; i < 5000; i++) greet();
    attempt("port-readies", "%s,%s", lives(), port_works());
    announce("port", "port-closed-in-transfer");
    memset(bytes, '.', sizeof bytes);
    open_end();
    other_end_opens();
    for (int i = 0; i < 500; i++) {
        if (has_room()) send(sizeof bytes);
        say(0, OPEN, 0), say(0, OPEN, 1);
    }
    attempt("port-closed-in-transfer", "%s,%s", lives(), port_works());
    announce("port", "port-reset-in-transfer");
    for (int i = 0; i < 200; i++) {
        open_end();
        for (int k = 0; k < 4; k++) send(sizeof bytes);
        reset();
    }
    attempt("port-reset-in-transfer", "%s", port_works());
    // Nobody has it open here: what is sent is for nobody.
    announce("port", "port-closed-flood");
    begin();
    offer_replies(64);
    greet();
    for (int i = 0; i < 5000; i++) send(sizeof bytes);
    attempt("port-closed-flood", "%s,%s", queues[SEND].device.index == 5000 ? "all-back" : "held", port_works());
    // Nothing is read: what comes back from the other end fills both ways, and then what is sent waits.
    announce("port", "port-never-reads");
    begin();
    offer_replies(64);
    greet();
    say(0, OPEN, 1);
    bool opened = other_end_opens();
    uint32_t sent = 0;
    for (int quiet = 0; quiet < 3000 && sent < 4096; quiet++) {
        if (has_room()) send(sizeof bytes), sent++, quiet = 0;
        else delay_us(1000);
    }
    attempt("port-never-reads", "%s,%s,%s", opened ? "open" : "closed", sent < 4096 ? "waits" : "goes-on", port_works());
}

// What another vCPU does while this one notifies.
static volatile bool over;
static void change(uint32_t index) {
    (void)index;
    uint64_t seed = 0xC4A7, end = low_memory_end();
    while (!over) {
        uint64_t value = next_random(&seed);
        uint64_t address = value & 1 ? (uint64_t)bytes : value & 2 ? end - 1 : value & 4 ? ~0ull - 7 : 0x10000000;
        uint16_t queue = value >> 4 & 3, i = value >> 8 & 7;
        describe(queue, i, address, value >> 32 & 127, (uint16_t)((value >> 16 & 1) | (queue & 1 ? 0 : WRITE)), value >> 20 & 15);
        queues[queue].driver.entries[value >> 24 & 7] = value >> 28 & 15;
    }
}
static void reset_again(uint32_t index) {
    (void)index;
    while (!over) open_end();
}
static void race(const char *name, void (*other)(uint32_t), bool renews) {
    announce("port", name);
    over = false;
    open_end();
    bool runs = start_processor(1, other);
    uint32_t refused = 0;
    for (uint32_t i = 0; i < 5000; i++) {
        if (renews && status() & NEEDS_RESET) refused++, open_end();
        uint16_t queue = i % QUEUES;
        queues[queue].driver.index++;
        notify(queue);
    }
    over = true;
    delay_us(10000);
    attempt(name, "%s,%u-refused,%s", runs ? "raced" : "alone", refused, port_works());
}

void attack_port(const char *argument) {
    slot = find_function(CONSOLE_ID);
    if (!slot) return attempt("port-absent", "absent");
    ports = virtio_enable(slot);
    for (int i = 0; i < 60 && port_works()[0] != 'w'; i++) delay_us(1000000);
    bool any = false;
    if (is_wanted(argument, "control")) control(), any = true;
    if (is_wanted(argument, "opens")) opens(), any = true;
    if (is_wanted(argument, "races")) race("port-changes", change, true), race("port-resets", reset_again, false), any = true;
    if (!any) attempt("port-group", "unknown");
}
