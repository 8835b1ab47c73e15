// (d) Devices of this partition aimed at what it does not own: `engine` by the engine, `entropy` by the entropy source,
// `forge` interrupts by DMA writes, `dma:ADDRESS` one read.
#include "functions.h"

#define MARK 0x0123456789ABCDEFull
#define PATTERN 0x5A5A5A5A5A5A5A5Aull
static volatile uint64_t own[2];

// What the engine reads at an address, by way of its buffer, which holds MARK before.
static bool read_by_engine(uint64_t address, uint64_t *seen) {
    own[0] = MARK, own[1] = PATTERN;
    bool ended = engine_read((uint64_t)&own[0], 8) && engine_read(address, 8) && engine_write((uint64_t)&own[1], 8);
    *seen = own[1];
    return ended;
}
static bool write_by_engine(uint64_t address) {
    own[0] = PATTERN;
    return engine_read((uint64_t)&own[0], 8) && engine_write(address, 8);
}
// A read that is refused leaves the buffer as it was, or gives zeros or ones.
static bool is_nothing(uint64_t seen) { return seen == MARK || seen == 0 || seen == ~0ull; }

static void aim(const char *name, uint64_t address) {
    char whole[40];
    uint64_t seen = 0, after = 0;
    format_into(whole, sizeof whole, "dma-%s", name);
    announce("engine", name);
    bool ended = read_by_engine(address, &seen) && write_by_engine(address) && read_by_engine(address, &after);
    if (!is_nothing(seen)) finding(whole, "address=%lx read=%016lx", address, seen);
    attempt(whole, "%s,%s,%s", ended ? "ended" : "endless", is_nothing(seen) ? "nothing" : "something",
            after == PATTERN ? "kept" : "dropped");
}
static void control(void) {
    static volatile uint64_t target;
    uint64_t seen = 0;
    announce("engine", "own");
    target = 0x1122334455667788;
    bool read = read_by_engine((uint64_t)&target, &seen) && seen == 0x1122334455667788;
    bool written = write_by_engine((uint64_t)&target) && target == PATTERN;
    attempt("dma-own", "%s,%s", read ? "read" : "not-read", written ? "written" : "not-written");
}
void attack_engine(const char *argument) {
    (void)argument;
    if (!engine_ready()) return attempt("dma-own", "no-engine");
    control();
    uint64_t end = low_memory_end();
    static const struct {
        const char *name;
        uint64_t address;
    } places[] = {
        {"neighbour", 0x10000000}, {"quarter", 0x14000000}, {"half", 0x20000000}, {"low", 0x30000000},
        {"high", 0x3E000000}, {"flash", 0xFFF00000}, {"ioapic", 0xFEC00000}, {"iommu", 0xFED90000}, {"tpm", 0xFED40000},
        {"ecam", ECAM}, {"window", 0x80000000}, {"above", 1ull << 32}, {"far", 1ull << 39}, {"last", 0xFFFFFFFFFFF8},
        {"sign", 0xFFFF800000000000},
    };
    aim("behind", end);
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) aim(places[i].name, places[i].address);
    aim("own-bar", bar_address(find_function(ENGINE_ID), 0) + 0x80);
    // Over the end of its memory: the part before it may be reached.
    uint64_t seen = 0;
    announce("engine", "straddle");
    own[0] = MARK;
    bool ended = engine_read(end - 4, 8) && engine_write((uint64_t)&own[1], 8);
    seen = own[1] >> 32;
    attempt("dma-straddle", "%s,%s", ended ? "ended" : "endless",
            seen == 0 || seen == 0xFFFFFFFF || seen == MARK >> 32 || seen == PATTERN >> 32 ? "nothing" : "something");
    // A whole buffer over the end, and one over the end of all addresses. (More than its buffer ends QEMU.)
    announce("engine", "huge");
    engine_write(end - 2048, 4096), engine_write(~0ull - 2047, 4096), engine_read(~0ull - 2047, 4096);
    uint64_t still = 0;
    static volatile uint64_t target;
    target = 0x1122334455667788;
    attempt("dma-huge", "%s", read_by_engine((uint64_t)&target, &still) && still == target ? "works" : "dead");
}

// Writes of the entropy source, 8 bytes each, from `start`.
static void scatter(const char *name, uint64_t start, uint64_t count, uint64_t stride) {
    uint32_t tried = 0, ended = 0, restarts = 0;
    announce("entropy", name);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t address = start + i * stride;
        if (address < low_memory_end()) continue;
        tried++;
        if (entropy_write(address, 8)) ended++;
        else if (restarts++, !entropy_start()) break;
    }
    attempt(name, "%u-tried,%u-ended,%u-restarts", tried, ended, restarts);
}
void attack_entropy(const char *argument) {
    (void)argument;
    static _Alignas(4096) volatile uint64_t target[512];
    if (!entropy_start()) return attempt("entropy-own", "no-source");
    announce("entropy", "own");
    target[0] = target[1] = 0;
    bool ended = entropy_write((uint64_t)target, 16);
    attempt("entropy-own", "%s,%s", ended ? "ended" : "endless", target[0] | target[1] ? "written" : "not-written");
    scatter("entropy-memory", 0, 1024, 1 << 20);
    scatter("entropy-pages", low_memory_end(), 1024, 4096);
    // All but the interrupts' range, which is `forge`'s.
    scatter("entropy-window", 0x80000000, 2020, 1 << 20);
    scatter("entropy-above", 1ull << 32, 512, 1 << 21);
    scatter("entropy-far", 1ull << 36, 256, 1ull << 32);
    announce("entropy", "pages");
    for (uint32_t i = 0; i < 64; i++)
        if (!entropy_write((uint64_t)target, sizeof target) && !entropy_start()) break;
    attempt("entropy-after", "%s", entropy_start() && entropy_write((uint64_t)target, 16) ? "works" : "dead");
}

// Own entries of the table deliver any vector from 16 on: those below 32 come as interrupts too, without error codes. The
// spurious vector's must be ended here, which an interrupt of the local APIC's own must not.
asm(".text\nforged: pushq %rax\n pushq %rcx\n pushq %rdx\n movl $0x80B, %ecx\n xorl %eax, %eax\n xorl %edx, %edx\n wrmsr\n"
    "lock incq forged_low\n popq %rdx\n popq %rcx\n popq %rax\n iretq\n");
extern const char forged[], vectors[];
uint64_t forged_low;

// The message of the remappable format names an entry of the IOMMU's table (VT-d 4.1, section 5.1.2.2). Each of the first
// entries, then some of all: only those made for this function answer, on this partition's own processors.
void attack_forge(const char *argument) {
    (void)argument;
    uint32_t tried = 0, ended = 0;
    uint64_t before = 0, after = 0, nmis = interrupts[2];
    if (!entropy_start()) return attempt("forge-handles", "no-source");
    for (uint32_t v = 16; v < 256; v = v == 31 ? SPURIOUS_VECTOR : v + 1) set_gate(v, (uint64_t)forged);
    for (uint32_t v = 32; v < 256; v++) before += interrupts[v];
    announce("forge", "");
    interrupts_on();
    for (uint32_t handle = 0; handle < 65536; handle += handle < 4096 ? 1 : 61, tried++) {
        uint64_t address = 0xFEE00010 | (uint64_t)(handle & 0x7FFF) << 5 | (uint64_t)(handle >> 15) << 2;
        if (entropy_write(address, 4)) ended++;
        else if (!entropy_start()) break;
    }
    delay_us(100000);
    for (uint32_t v = 32; v < 256; v++) after += interrupts[v];
    attempt("forge-handles", "%u-tried,%u-ended,%lu-own,%lu-nmis", tried, ended, after - before + forged_low,
            interrupts[2] - nmis);
    // With a subhandle, which the random bytes are.
    tried = ended = 0;
    announce("forge", "subhandles");
    for (uint32_t handle = 0; handle < 65536; handle += 509, tried++)
        if (entropy_write(0xFEE00018 | (uint64_t)(handle & 0x7FFF) << 5 | (uint64_t)(handle >> 15) << 2, 4)) ended++;
        else if (!entropy_start()) break;
    delay_us(100000);
    interrupts_off();
    for (uint32_t v = 16; v < 256; v = v == 31 ? SPURIOUS_VECTOR : v + 1) set_gate(v, (uint64_t)vectors + v * 16);
    attempt("forge-subhandles", "%u-tried,%u-ended,%lu-nmis", tried, ended, interrupts[2] - nmis);
}

void attack_dma(const char *argument) {
    uint64_t seen = 0;
    announce("dma", argument);
    if (!engine_ready()) return attempt("dma", "no-engine");
    // What the engine still has from before.
    own[1] = MARK;
    bool ended = engine_write((uint64_t)&own[1], 8);
    uint64_t found = own[1];
    static volatile uint64_t target;
    target = MARK ^ PATTERN;
    bool works = read_by_engine((uint64_t)&target, &seen) && seen == target;
    ended = read_by_engine(parse_number(argument), &seen) && ended;
    attempt("dma", "ended=%s,own=%s,found=%lx,read=%lx", ended ? "yes" : "no", works ? "yes" : "no", found, seen);
}
// A transfer that is still under way when the guest ends: what follows finds nothing of it.
void attack_race(const char *argument) {
    (void)argument;
    if (!engine_ready()) return attempt("race", "no-engine");
    own[0] = PATTERN;
    engine_read((uint64_t)&own[0], 8);
    struct range free = free_memory();
    announce("race", "");
    engine_begin(free.start + free.size / 2, 8, true);
    attack_triple("");
}
