// (e) Interrupts, INITs and start-ups for cores that are not ours, by every way the interrupt command register knows.
// What they did is the neighbour's to say; here each must be refused or dropped, and none may come back to us.
#include "attack.h"

enum { FIXED, LOWEST, SMI, RESERVED3, NMI, INIT, STARTUP, EXTINT };
static const char *const modes[8] = {"fixed", "lowest", "smi", "reserved", "nmi", "init", "startup", "extint"};
#define ASSERT (1u << 14)
#define LEVEL (1u << 15)
#define LOGICAL (1u << 11)

static bool own(uint32_t id) {
    for (uint32_t i = 0; i < machine.processor_count; i++)
        if (machine.apic_ids[i] == id) return true;
    return false;
}
static uint64_t received(void) {
    uint64_t sum = 0;
    for (int i = 0; i < 256; i++) sum += interrupts[i];
    return sum;
}
struct count {
    uint32_t sent, refused;
};
static void send(struct count *count, uint32_t destination, uint32_t command) {
    if (try_wrmsr(APIC_ICR, (uint64_t)destination << 32 | command) >= 0) count->refused++;
    else count->sent++;
}
// Interrupts on for a moment, so that whatever is pending arrives.
static void settle(void) {
    interrupts_on();
    delay_us(2000);
    interrupts_off();
}
static void report(const char *kind, const char *mode, struct count count, uint64_t before) {
    char name[48];
    settle();
    uint64_t back = received() - before;
    format_into(name, sizeof name, "ipi-%s-%s", kind, mode);
    attempt(name, "%u-sent,%u-#GP,%lu-back", count.sent,
            count.refused, back);
}
// The neighbour's timer, the lowest legal, the highest, an exception's, none.
static const uint32_t vectors_tried[] = {0x40, 0x20, 0xFE, 0x0D, 0x00};

static void physical(uint32_t mode) {
    struct count count = {0, 0};
    uint64_t before = received();
    for (uint32_t id = 0; id <= 64; id++) {
        if (own(id)) continue;
        for (size_t v = 0; v < sizeof vectors_tried / sizeof vectors_tried[0]; v++) {
            uint32_t command = mode << 8 | vectors_tried[v];
            send(&count, id, command | ASSERT);
            send(&count, id, command | ASSERT | LEVEL);
            send(&count, id, command | LEVEL);
        }
        if (mode == INIT) send(&count, id, 0x500 | LEVEL);                // the old de-assertion
        if (mode == STARTUP)
            for (uint32_t page = 0; page < 256; page += 17) send(&count, id, 0x600 | ASSERT | page);
    }
    static const uint32_t far[] = {127, 128, 255, 256, 0xFF00, 0x10000, 0x7FFFFFFF, 0xFFFFFFFE};
    for (size_t i = 0; i < sizeof far / sizeof far[0]; i++) send(&count, far[i], mode << 8 | ASSERT | 0x40);
    report("physical", modes[mode], count, before);
}
static void logical(uint32_t mode) {
    struct count count = {0, 0};
    uint64_t before = received();
    for (uint32_t cluster = 0; cluster < 64; cluster++) {
        uint32_t others = 0xFFFF;
        for (uint32_t i = 0; i < machine.processor_count; i++)
            if (machine.apic_ids[i] >> 4 == cluster) others &= ~(1u << (machine.apic_ids[i] & 15));
        send(&count, cluster << 16 | others, mode << 8 | LOGICAL | ASSERT | 0x40);
        for (uint32_t bit = 0; bit < 16; bit++)
            if (others >> bit & 1) send(&count, cluster << 16 | 1u << bit, mode << 8 | LOGICAL | ASSERT | 0x40);
        send(&count, cluster << 16, mode << 8 | LOGICAL | ASSERT | 0x40);
    }
    report("logical", modes[mode], count, before);
}
static void everybody(uint32_t mode) {
    struct count count = {0, 0};
    uint64_t before = received();
    for (uint32_t n = 0; n < 20; n++) send(&count, 0, 3u << 18 | mode << 8 | ASSERT | 0x40);  // all but self
    report("others", modes[mode], count, before);
    // What reaches ourselves too: an INIT or start-up of our own is an attack of its own (reset:init-...).
    if (mode == INIT || mode == STARTUP) return;
    count = (struct count){0, 0};
    before = received();
    send(&count, 0, 2u << 18 | mode << 8 | ASSERT | 0x40);
    send(&count, 0xFFFFFFFF, mode << 8 | ASSERT | 0x40);
    send(&count, 0xFFFFFFFF, mode << 8 | LOGICAL | ASSERT | 0x40);
    report("all", modes[mode], count, before);
}
// Reserved bits and random commands to everybody else.
static void garbage(void) {
    struct count count = {0, 0};
    uint64_t seed = 0xE, before = received();
    for (uint32_t i = 0; i < 20000; i++) {
        uint64_t value = next_random(&seed);
        uint32_t id = i % 2 ? (uint32_t)(value >> 32) : (uint32_t)(value >> 32) & 63;
        if (own(id) || id == 0xFFFFFFFF) continue;
        send(&count, id, (uint32_t)value & ~(3u << 18 | LOGICAL));
    }
    report("garbage", "physical", count, before);
    count = (struct count){0, 0};
    before = received();
    for (uint32_t i = 0; i < 5000; i++) send(&count, (uint32_t)next_random(&seed), (uint32_t)next_random(&seed) | 3u << 18);
    report("garbage", "others", count, before);
    attempt("ipi-xapic-high", "%s", vector_name(try_wrmsr(0x831, ~0ull)));
}
// Address 0, kept from the compiler, which takes a store there for a mistake.
static volatile uint64_t hidden_zero;
// A page that halts at once, for the start-ups that reach a vCPU of ours (cli; hlt; jmp back), and an iret behind it.
static const uint8_t halting[] = {0xFA, 0xF4, 0xEB, 0xFC, 0xCF};
#define HALTING_PAGE 0x9000
#define HALTING_IRET 0x9004
// All real-mode vectors lead to `address`.
static void real_mode_vectors(uint32_t address) {
    memcpy((void *)HALTING_PAGE, halting, sizeof halting);
    volatile uint32_t *vectors = (volatile uint32_t *)(uint64_t)hidden_zero;
    for (uint32_t i = 0; i < 256; i++) vectors[i] = address;
}
void attack_ipis(const char *argument) {
    (void)argument;
    announce("ipis", "");
    // "All others" includes our own second vCPU: where it is started (page 40h) it is to halt, not to run through memory
    // until it meets code that ends us.
    real_mode_vectors(HALTING_PAGE);
    memcpy((void *)0x40000, halting, sizeof halting);
    for (uint32_t mode = 0; mode < 8; mode++) {
        physical(mode);
        logical(mode);
        everybody(mode);
    }
    garbage();
}

// Our own second vCPU, harassed: INIT and start-up storms must neither reach others nor wear the hypervisor out.
static volatile uint32_t second_runs;
static volatile uint64_t second_base;
static void second_main(uint32_t index) {
    (void)index;
    second_base = rdmsr(APIC_BASE);
    second_runs++;
    for (;;) wait_for_interrupt();
}
// An NMI for a vCPU that waits for a start-up is none of what runs there afterwards. All of it runs in real mode: what is started
// says so in a word of its page, and an NMI's handler counts in another.
static void nmi_before_start(uint32_t id) {
    static const uint8_t starting[] = {0x2E, 0xFF, 0x06, 0x30, 0x00, 0xFA, 0xF4, 0xEB, 0xFC};  // inc cs:[30h]; cli; hlt; jmp back
    static const uint8_t counting[] = {0x2E, 0xFF, 0x06, 0x40, 0xA0, 0xCF};                    // inc cs:[A040h]; iret
    volatile uint16_t *starts = (volatile uint16_t *)0xA030, *taken = (volatile uint16_t *)0xA040;
    struct count count = {0, 0};
    memcpy((void *)0xA000, starting, sizeof starting);
    memcpy((void *)0xA020, counting, sizeof counting);
    *starts = *taken = 0;
    real_mode_vectors(0xA020);
    uint32_t awake = 0;
    for (uint32_t i = 0; i < 50; i++) {
        send(&count, id, 0x500 | ASSERT);
        delay_us(200);
        if (i) send(&count, id, NMI << 8 | ASSERT);
        send(&count, id, 0x600 | ASSERT | 0xA);
        for (uint32_t ms = 0; ms < 5000 && *starts == i; ms++) delay_us(1000);
        if (i) continue;
        // The one of a vCPU that runs is taken: they can be seen.
        send(&count, id, NMI << 8 | ASSERT);
        for (uint32_t ms = 0; ms < 5000 && !*taken; ms++) delay_us(1000);
        awake = *taken;
        *taken = 0;
    }
    attempt("own-nmi-before-start", "%u-starts,%u-awake,%u-asleep", *starts, awake, *taken);
}
void attack_own_ipis(const char *argument) {
    (void)argument;
    if (machine.processor_count < 2) {
        print("@skipped own-ipis one-vcpu\n");
        return;
    }
    announce("own-ipis", "");
    uint32_t id = machine.apic_ids[1];
    struct count count = {0, 0};
    bool first = start_processor(1, second_main);
    for (uint32_t ms = 0; ms < 10000 && !second_runs; ms++) delay_us(1000);
    // The bootstrap processor is this partition's first one, whichever core the machine began on.
    attempt("own-bootstrap", "first-%s,second-%s", rdmsr(APIC_BASE) & 0x100 ? "set" : "clear",
            !second_runs ? "silent" : second_base & 0x100 ? "set" : "clear");
    uint64_t before = interrupts[0x51];
    for (uint32_t i = 0; i < 1000; i++) send(&count, id, ASSERT | 0x51);
    delay_us(20000);
    uint64_t delivered = interrupts[0x51] - before;
    attempt("own-fixed-storm", "%s,%u-sent,%u-#GP,%lu-delivered", first ? "started" : "never-started", count.sent,
            count.refused, delivered);
    // Each is sent while the one before is left, and comes at each place of the loop in turn, between STI and HLT too.
    uint64_t nmis = interrupts[2], laps = 0;
    for (uint32_t i = 0; i < 3000 && interrupts[2] == nmis + i; i++) {
        send(&count, id, NMI << 8 | ASSERT);
        for (laps = 0; laps < 2000000 && interrupts[2] == nmis + i; laps++) pause();
    }
    attempt("own-nmis-in-halt", "%lu-taken", interrupts[2] - nmis);
    // The storm's start-ups halt, and the NMIs that meet them there return at once.
    real_mode_vectors(HALTING_IRET);
    count = (struct count){0, 0};
    for (uint32_t i = 0; i < 500; i++) {
        send(&count, id, 0x500 | ASSERT);
        if (i % 3) send(&count, id, 0x600 | ASSERT | 9);
        if (i % 5 == 0) send(&count, id, 0x600 | ASSERT | 9);
        if (i % 7 == 0) send(&count, id, NMI << 8 | ASSERT);
        if (i % 50 == 0) delay_us(1000);
    }
    bool again = start_processor(1, second_main);
    attempt("own-init-storm", "%s,%u-sent,%u-#GP,runs=%u", again ? "starts-again" : "never-again", count.sent, count.refused,
            second_runs);
    nmi_before_start(id);
    send(&count, id, 0x500 | ASSERT);
}
