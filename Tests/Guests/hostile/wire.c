// The end of a wire to a partition that serves this one: buffers that cannot be while frames come, storms of frames and of
// resets. The other end is a Linux that answers ARP (RFC 826): it must go on doing so.
#include "wire.h"

uint8_t out[HEADER + 1518], in[ENTRIES][2048];
static const uint8_t request[42] = {
    255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 1, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1,
    2, 0, 0, 0, 0, 1, 10, 9, 0, 1, 0, 0, 0, 0, 0, 0, 10, 9, 0, 2,
};

void put(uint16_t ring, uint16_t i, uint64_t address, uint32_t length, uint16_t flags, uint16_t next) {
    rings[ring].table[i] = (struct descriptor){address, length, flags, next};
}
// Sends `length` bytes of a frame, and waits until the buffer is ours again.
static bool send(uint32_t length) {
    uint16_t before = rings[SEND].device.index;
    put(SEND, 0, (uint64_t)out, HEADER + length, 0, 0);
    give(SEND, 0, 1);
    for (int i = 0; i < 1000 && rings[SEND].device.index == before; i++) delay_us(100);
    return rings[SEND].device.index != before;
}
bool ask(void) {
    memset(out, 0, sizeof out);
    memcpy(out + HEADER, request, sizeof request);
    return send(FRAME);
}
bool link_up(void) {
    for (int i = 0; i < 2000; i++) {
        if (virtio_link(ports)) return true;
        delay_us(1000);
    }
    return false;
}
void offer_buffers(void) {
    for (uint16_t i = 0; i < ENTRIES; i++) put(RECEIVE, i, (uint64_t)in[i], sizeof in[i], WRITE, 0), give(RECEIVE, i, 1);
}
// Whether one of what has come is the answer: ARP, of 10.9.0.2, for us.
static bool answered(void) {
    for (uint16_t i = 0; i < ENTRIES; i++) {
        const uint8_t *frame = in[i] + HEADER;
        if (frame[12] == 8 && frame[13] == 6 && frame[21] == 2 && frame[28] == 10 && frame[31] == 2 && frame[41] == 1)
            return true;
    }
    return false;
}
const char *wire_works(void) {
    start();
    memset(in, 0, sizeof in);
    offer_buffers();
    bool found = false;
    if (link_up())
        for (int tries = 0; tries < 20 && !found; tries++) {
            ask();
            for (int i = 0; i < 200 && !(found = answered()); i++) delay_us(1000);
            // Others may have filled the buffers.
            if (!found) give(RECEIVE, 0, 0), start(), offer_buffers(), link_up();
        }
    bool lives = !(status() & NEEDS_RESET);
    reset();
    return found && lives ? "works" : "broken";
}

void provoke(const char *name) {
    char whole[40];
    format_into(whole, sizeof whole, "wire-in-%s", name);
    bool up = link_up();
    for (int i = 0; i < 50 && !(status() & NEEDS_RESET) && rings[RECEIVE].device.index == 0; i++) ask(), delay_us(20000);
    const char *seen = !up ? "down" : status() & NEEDS_RESET ? "refused" : rings[RECEIVE].device.index ? "taken" : "nothing";
    attempt(whole, "%s,%s", seen, works());
}
static void one(const char *name, uint64_t address, uint32_t length, uint16_t flags, uint16_t next) {
    char whole[40];
    format_into(whole, sizeof whole, "in-%s", name);
    announce("wire", whole);
    start();
    put(RECEIVE, 0, address, length, flags, next);
    give(RECEIVE, 0, 1);
    provoke(name);
}
static void receiving(void) {
    uint64_t own = (uint64_t)in[0], end = low_memory_end();
    one("loop", own, 1, NEXT | WRITE, 0);
    one("next-outside", own, 1, NEXT | WRITE, ENTRIES);
    one("indirect", own, 16, INDIRECT | WRITE, 0);
    one("readable", own, 2048, 0, 0);
    one("huge", own, 0xFFFFFFFF, WRITE, 0);
    one("wraps", ~0ull - 7, 2048, WRITE, 0);
    one("end-of-memory", end - 100, 2048, WRITE, 0);
    one("behind-memory", end, 2048, WRITE, 0);
    one("neighbour", 0x10000000, 2048, WRITE, 0);
    one("configuration", ECAM, 2048, WRITE, 0);
    one("own-registers", 0xC0000000, 2048, WRITE, 0);
    one("local-apic", 0xFEE00000, 2048, WRITE, 0);
    one("above-4g", 0x100000000, 2048, WRITE, 0);
    one("above-1t", 1ull << 40, 2048, WRITE, 0);
    one("too-small", own, HEADER + 10, WRITE, 0);
    one("nothing", own, 0, WRITE, 0);
    announce("wire", "in-long-chain");
    start();
    for (uint16_t i = 0; i < ENTRIES; i++) put(RECEIVE, i, own, 1, WRITE | (i < ENTRIES - 1 ? NEXT : 0), i + 1);
    give(RECEIVE, 0, 1);
    provoke("long-chain");
    announce("wire", "in-head-outside");
    start();
    give(RECEIVE, ENTRIES, 1);
    provoke("head-outside");
    announce("wire", "in-too-many");
    start();
    rings[RECEIVE].driver.index = 100;
    out16(ports + NOTIFICATION, RECEIVE);
    provoke("too-many");
    static const struct { const char *name; uint64_t address; } places[] = {
        {"behind-memory", 0x10000000}, {"local-apic", 0xFEE00000}, {"above-1t", 1ull << 40},
    };
    for (size_t i = 0; i < 3; i++)
        for (int part = 0; part < 3; part++) {
            char name[40], whole[40];
            format_into(name, sizeof name, "%s-%s", part == 0 ? "table" : part == 1 ? "driver" : "device", places[i].name);
            format_into(whole, sizeof whole, "in-%s", name);
            announce("wire", whole);
            uint64_t at = places[i].address;
            start_at(RECEIVE, part == 0 ? at : 0, part == 1 ? at : 0, part == 2 ? at : 0);
            put(RECEIVE, 0, own, 2048, WRITE, 0);
            give(RECEIVE, 0, 1);
            provoke(name);
        }
}

// Frames as they are not: of each length that there can be, of garbage, to everybody, as fast as it goes.
static void frames(void) {
    uint64_t seed = 0x3173;
    announce("wire", "lengths");
    start(), link_up();
    uint32_t through = 0;
    for (uint32_t length = 0; length <= 1518; length += 7) through += send(length);
    attempt("wire-lengths", "%s,%s", through == 217 ? "all-back" : "stuck", works());
    announce("wire", "garbage");
    start(), link_up();
    for (uint32_t i = 0; i < 3000; i++) {
        for (uint32_t k = 0; k < 200; k += 8) *(volatile uint64_t *)(out + k) = next_random(&seed);
        // To everybody, of a kind that somebody parses: IPv4, IPv6, ARP, VLAN, LLDP.
        static const uint16_t kinds[] = {0x0008, 0xDD86, 0x0608, 0x0081, 0xCC88};
        memset(out + HEADER, 255, 6);
        memcpy(out + HEADER + 12, &kinds[i % 5], 2);
        send(60 + next_random(&seed) % 1400);
    }
    attempt("wire-garbage", "%s,%s", status() & NEEDS_RESET ? "refused" : "lives", works());
    announce("wire", "large-frames");
    start(), link_up();
    memset(out, 255, sizeof out);
    put(SEND, 0, (uint64_t)out, sizeof out, 0, 0);
    for (uint32_t i = 0; i < 20000; i++) give(SEND, 0, ENTRIES);
    attempt("wire-large-frames", "%s,%s", status() & NEEDS_RESET ? "refused" : "lives", works());
    // One frame an exit, each of which would interrupt the other end.
    announce("wire", "kicks");
    start(), link_up();
    put(SEND, 0, (uint64_t)out, HEADER + 60, 0, 0);
    for (uint32_t i = 0; i < 100000; i++) give(SEND, 0, 1);
    attempt("wire-kicks", "%s,%s", status() & NEEDS_RESET ? "refused" : "lives", works());
    announce("wire", "links");
    for (uint32_t i = 0; i < 5000; i++) start(), reset();
    attempt("wire-links", "%s", works());
    announce("wire", "resets-in-transfer");
    for (uint32_t i = 0; i < 2000; i++) {
        start();
        offer_buffers();
        put(SEND, 0, (uint64_t)out, HEADER + 60, 0, 0);
        give(SEND, 0, 1 + i % ENTRIES);
        reset();
    }
    attempt("wire-resets-in-transfer", "%s", works());
    // Sent and gone: whoever comes next finds nothing of it.
    announce("wire", "left-behind");
    start(), link_up();
    offer_buffers();
    for (int i = 0; i < 50; i++) ask();
    reset();
    // What the other end answers now finds nobody.
    delay_us(500000);
    memset(in, 0, sizeof in);
    start();
    offer_buffers();
    delay_us(200000);
    bool old = answered();
    attempt("wire-left-behind", "%s,%s", old ? "reached" : "nothing", works());
}

void await_wire(void) {
    for (int i = 0; i < 300 && works()[0] != 'w'; i++) delay_us(1000000);
}
bool attack_queues(const char *group) {
    bool receives = is_wanted(group, "receiving"), sends = is_wanted(group, "frames");
    if (receives) receiving();
    if (sends) frames();
    return receives || sends;
}
