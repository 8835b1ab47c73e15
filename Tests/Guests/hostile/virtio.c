// The virtio function that root mode shows this partition (virtio 1.2), a console or the end of a wire: rings that cannot be,
// registers with garbage, changes while it copies: `virtio`, and behind it `wire.c`. It is reset behind each attempt, so that
// what is typed reaches the UART again.
#include "virtio.h"

struct rings rings[2];
// Line ends: what is sent in the course of an attempt is seen on the console. As a frame it is too short, and dropped.
static char text[64];
uint32_t slot;
uint16_t ports;
static const char *kind = "virtio";

uint8_t status(void) { return virtio_status(ports); }
void reset(void) { virtio_reset(ports); }
void start_at(uint16_t ring, uint64_t table, uint64_t driver, uint64_t device) {
    virtio_enable(slot);
    reset();
    memset(rings, 0, sizeof rings);
    struct places places[2] = {places_of(&rings[0]), places_of(&rings[1])};
    if (table) places[ring].table = table;
    if (driver) places[ring].driver = driver;
    if (device) places[ring].device = device;
    virtio_start(ports, 0, ENTRIES, places);
}
void start(void) { start_at(SEND, 0, 0, 0); }
static void describe(uint16_t i, uint64_t address, uint32_t length, uint16_t flags, uint16_t next) {
    rings[SEND].table[i] = (struct descriptor){address, length, flags, next};
}
static void notify(void) { out16(ports + NOTIFICATION, SEND); }
void give(uint16_t ring, uint16_t head, uint16_t count) {
    volatile struct driver_area *driver = &rings[ring].driver;
    for (uint16_t i = 0; i < count; i++) driver->entries[(driver->index + i) % ENTRIES] = head;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    driver->index += count;
    out16(ports + NOTIFICATION, ring);
}
static void offer(uint16_t head, uint16_t count) { give(SEND, head, count); }
// Whether one line's end goes through a device that was reset; at a wire, whether the other end answers.
const char *works(void) {
    if (kind[0] == 'w') return wire_works();
    start();
    describe(0, (uint64_t)text, 1, 0, 0);
    offer(0, 1);
    for (int i = 0; i < 1000 && rings[SEND].device.index == 0; i++) delay_us(100);
    bool sent = rings[SEND].device.index == 1 && !(status() & NEEDS_RESET);
    reset();
    return sent ? "works" : "broken";
}
// An attempt's name has the kind of the function in front.
#define report(name, ...) \
    do { \
        char whole_name[40]; \
        format_into(whole_name, sizeof whole_name, "%s-%s", kind, name); \
        attempt(whole_name, __VA_ARGS__); \
    } while (0)

static void tell(const char *name) {
    char whole[40];
    format_into(whole, sizeof whole, "%s-%s", kind, name);
    const char *seen = status() & NEEDS_RESET ? "refused" : rings[SEND].device.index ? "taken" : "nothing";
    attempt(whole, "%s,%s", seen, works());
}
static void one(const char *name, uint64_t address, uint32_t length, uint16_t flags, uint16_t next) {
    announce(kind, name);
    start();
    describe(0, address, length, flags, next);
    offer(0, 1);
    tell(name);
}

static void chains(void) {
    uint64_t own = (uint64_t)text, end = low_memory_end();
    one("loop", own, 1, NEXT, 0);
    one("next-outside", own, 1, NEXT, ENTRIES);
    one("next-far", own, 1, NEXT, 0xFFFF);
    one("indirect", own, 16, INDIRECT, 0);
    one("writable", own, 1, WRITE, 0);
    one("flags", own, 1, 0xFFF8, 0);
    one("huge", own, 0xFFFFFFFF, 0, 0);
    one("wraps", ~0ull - 3, 8, 0, 0);
    one("wraps-far", ~0ull, 0xFFFFFFFF, 0, 0);
    one("end-of-memory", end - 1, 2, 0, 0);
    one("behind-memory", end, 1, 0, 0);
    one("neighbour", 0x10000000, 64, 0, 0);
    one("configuration", ECAM, 64, 0, 0);
    one("own-registers", 0xC0000000, 16, 0, 0);
    one("local-apic", 0xFEE00000, 4, 0, 0);
    one("flash", 0xFFFFFFF0, 16, 0, 0);
    one("above-4g", 0x100000000, 16, 0, 0);
    one("above-1t", 1ull << 40, 16, 0, 0);
    one("canonical", 0xFFFF800000000000, 16, 0, 0);
    announce(kind, "long-chain");
    start();
    for (uint16_t i = 0; i < ENTRIES; i++) describe(i, own, 1, i < ENTRIES - 1 ? NEXT : 0, i + 1);
    offer(0, 1);
    tell("long-chain");
    announce(kind, "loop-of-two");
    start();
    describe(0, own, 0, NEXT, 1), describe(1, own, 0, NEXT, 0);
    offer(0, 1);
    tell("loop-of-two");
    announce(kind, "head-outside");
    start();
    offer(ENTRIES, 1);
    tell("head-outside");
    announce(kind, "too-many");
    start();
    describe(0, own, 1, 0, 0);
    rings[SEND].driver.index = 100;
    notify();
    tell("too-many");
    announce(kind, "backwards");
    start();
    rings[SEND].driver.index = 0xFFFF;
    notify();
    tell("backwards");
}
static void areas(void) {
    static const struct { const char *name; uint64_t address; } places[] = {
        {"behind-memory", 0x10000000}, {"configuration", ECAM}, {"local-apic", 0xFEE00000}, {"above-4g", 0x100000000},
        {"above-1t", 1ull << 40}, {"all-ones", ~0ull},
    };
    char name[40];
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        for (int part = 0; part < 3; part++) {
            format_into(name, sizeof name, "%s-%s", part == 0 ? "table" : part == 1 ? "driver" : "device", places[i].name);
            announce(kind, name);
            uint64_t at = places[i].address;
            start_at(SEND, part == 0 ? at : 0, part == 1 ? at : 0, part == 2 ? at : 0);
            describe(0, (uint64_t)text, 1, 0, 0);
            offer(0, 1);
            tell(name);
        }
}

// Every register of the device, of its configuration space and of its page, with everything.
static void garbage(void) {
    uint64_t seed = 0x7104, faults = 0;
    announce(kind, "registers");
    for (uint32_t i = 0; i < 20000; i++) {
        uint64_t value = next_random(&seed);
        uint16_t port = ports + (value >> 32 & 0x7F);
        if (i % 50 == 0) start();
        if (i % 3 == 0) out8(port, (uint8_t)value);
        else if (i % 3 == 1) out16(port, (uint16_t)value);
        else out32(port, (uint32_t)value);
        if (i % 7 == 0) in32(port);
    }
    report("registers", "%s", works());
    announce(kind, "space");
    uint32_t where[2] = {config_read(slot, 0x10), config_read(slot, 0x14)};
    for (uint32_t i = 0; i < 4000; i++) {
        uint64_t value = next_random(&seed);
        uint32_t reg = value >> 32 & 0xFC;
        config_write(slot, reg, (uint32_t)value);
        if (reg == 0x10 || reg == 0x14) config_write(slot, reg, 0);
    }
    bool stay = config_read(slot, 0x10) == where[0] && config_read(slot, 0x14) == where[1];
    report("space", "%s,%s", stay ? "stays" : "moved", works());
    announce(kind, "page");
    volatile uint8_t *page = map_outside_address(where[1] & ~0xFu);
    for (uint32_t i = 0; i < 400; i++) {
        uint64_t value = next_random(&seed), ignored;
        faults += try_write(page + (value >> 48 & 0xFF8), value) >= 0;
        faults += try_read(page + (value >> 36 & 0xFF8), &ignored) >= 0;
    }
    report("page", "%lu-faults,%s", faults, works());
}

// Interrupts for others, and as what only silicon sends.
void interrupt(const char *name, uint32_t address, uint32_t data) {
    char whole[40];
    uint64_t before[256], others = 0;
    format_into(whole, sizeof whole, "interrupt-%s", name);
    announce(kind, whole);
    for (uint32_t v = 0; v < 256; v++) before[v] = interrupts[v];
    start();
    volatile uint32_t *entry = map_outside_address(config_read(slot, 0x14) & ~0xFu);
    config_write(slot, 0x40, 1u << 31);
    entry[0] = address, entry[1] = 0, entry[2] = data, entry[3] = 0;
    describe(0, (uint64_t)text, 1, 0, 0);
    interrupts_on();
    for (int i = 0; i < 5; i++) offer(0, 1), delay_us(1000);
    interrupts_off();
    config_write(slot, 0x40, 0);
    for (uint32_t v = 32; v < 256; v++)
        if (v != VECTOR) others += interrupts[v] - before[v];
    report(whole, "%lu-own,%lu-other,%lu-nmis,%s", interrupts[VECTOR] - before[VECTOR], others,
            interrupts[2] - before[2], works());
}
static void messages(void) {
    uint32_t own = machine.apic_ids[0] << 12;
    interrupt("own", 0xFEE00000 | own, VECTOR);
    interrupt("first-core", 0xFEE00000, VECTOR);
    interrupt("neighbour", 0xFEE01000, VECTOR);
    interrupt("no-core", 0xFEEF0000, VECTOR);
    interrupt("broadcast", 0xFEEFF000, VECTOR);
    interrupt("logical", 0xFEEFF004, VECTOR);
    interrupt("nmi", 0xFEE00000 | own, 0x400 | VECTOR);
    interrupt("init", 0xFEE00000 | own, 0x500);
    interrupt("smi", 0xFEE00000 | own, 0x200);
    interrupt("low-vector", 0xFEE00000 | own, 15);
    interrupt("memory", 0x02000000, VECTOR);
}

// What another vCPU does while this one notifies.
static volatile bool over;
static void change(uint32_t index) {
    (void)index;
    uint64_t seed = 0xC4A6, end = low_memory_end();
    while (!over) {
        uint64_t value = next_random(&seed);
        uint64_t address = value & 1 ? (uint64_t)text : value & 2 ? end - 1 : value & 4 ? ~0ull - 7 : 0x10000000;
        describe(value >> 8 & 7, address, (value >> 40 & 8 ? 0 : 0xF0000000) | (value >> 32 & 63), value >> 16 & 3, value >> 20 & 15);
        rings[SEND].driver.entries[value >> 24 & 7] = value >> 28 & 15;
    }
}
static void reset_again(uint32_t index) {
    (void)index;
    while (!over) {
        reset();
        start();
    }
}
static void race(const char *name, void (*other)(uint32_t), bool renews) {
    announce(kind, name);
    over = false;
    start();
    bool runs = start_processor(1, other);
    uint32_t refused = 0;
    for (uint32_t i = 0; i < 5000; i++) {
        if (renews && status() & NEEDS_RESET) refused++, start();
        rings[SEND].driver.index++;
        notify();
    }
    over = true;
    delay_us(10000);
    report(name, "%s,%u-refused,%s", runs ? "raced" : "alone", refused, works());
}
static void storm(void) {
    announce(kind, "notifications");
    start();
    for (uint32_t i = 0; i < 50000; i++) out16(ports + NOTIFICATION, (uint16_t)i);
    report("notifications", "%s,%s", status() & NEEDS_RESET ? "refused" : "lives", works());
    announce(kind, "empty-chains");
    start();
    describe(0, (uint64_t)text, 0, 0, 0);
    for (uint32_t i = 0; i < 2000; i++) offer(0, ENTRIES);
    tell("empty-chains");
    // All of its memory at once: more than one exit moves.
    announce(kind, "flood");
    start();
    static char large[8192];
    memset(large, '\n', sizeof large);
    for (uint16_t i = 0; i < 4; i++) describe(i, (uint64_t)large, sizeof large, i < 3 ? NEXT : 0, i + 1);
    for (uint16_t i = 0; i < 6; i++) {
        offer(0, 1);
        for (uint32_t ms = 0; ms < 20000 && rings[SEND].device.index != (uint16_t)(i + 1); ms++) delay_us(1000);
    }
    uint32_t through = rings[SEND].device.index;
    report("flood", "%u-through,%s", through, works());
}

bool is_wanted(const char *group, const char *name) { return !*group || equal(group, name); }
static bool attack_function(const char *group) {
    bool any = false;
    if (is_wanted(group, "chains")) chains(), any = true;
    if (is_wanted(group, "areas")) areas(), any = true;
    if (is_wanted(group, "registers")) garbage(), any = true;
    if (is_wanted(group, "messages")) messages(), any = true;
    if (is_wanted(group, "storms")) storm(), any = true;
    if (is_wanted(group, "races")) race("changes", change, true), race("resets", reset_again, false), any = true;
    return any;
}
static bool begin(uint32_t id, const char *name) {
    kind = name;
    slot = find_function(id);
    if (!slot) return false;
    memset(text, '\n', sizeof text);
    ports = virtio_enable(slot);
    return true;
}
void attack_virtio(const char *argument) {
    if (!begin(CONSOLE_ID, "virtio")) return attempt("virtio-absent", "absent");
    if (!attack_function(argument)) attempt("virtio-group", "unknown");
}
void attack_wire(const char *argument) {
    if (!begin(NETWORK_ID, "wire")) return attempt("wire-absent", "absent");
    await_wire();
    bool any = attack_function(argument);
    any |= attack_queues(argument);
    any |= attack_transfers(argument);
    if (!any) attempt("wire-group", "unknown");
}
