// (c) Memory outside the partition. `memory` surveys, if the platform answers such reads at all (with all-ones);
// `memory:KIND@WHERE` makes one access that may end the guest. KIND: read, write, atomic, string, fetch, walk, stack,
// table. WHERE: a number, or one of the names below.
#include "attack.h"

#define WINDOW 0x8000000000ull   // the second PML4 entry
#define WALKED 0x10000000000ull  // the third: made of a table that is not ours
#define PATTERN 0x5EED0BADC0FFEE11ull
extern uint64_t page_map[512];
static _Alignas(4096) uint64_t pointers[512], directory[512], table[512];

static const struct {
    const char *name;
    uint64_t address;
} places[] = {
    {"hole", 0xD0000000}, {"ecam", 0xB0000000}, {"flash", 0xFFFF0000}, {"ioapic", 0xFEC00000}, {"hpet", 0xFED00000},
    {"tpm", 0xFED40000}, {"lapic", 0xFEE00000}, {"msi", 0xFEEFF000}, {"iommu", 0xFED90000}, {"4g", 1ull << 32},
    {"16g", 1ull << 34}, {"1t", 1ull << 40}, {"39", 1ull << 39}, {"46", 1ull << 46}, {"47", 1ull << 47},
    {"48", 1ull << 48}, {"51", 1ull << 51},
};

static volatile uint64_t *map(uint64_t address) {
    page_map[1] = (uint64_t)pointers | 3;
    pointers[0] = (uint64_t)directory | 3;
    directory[0] = (uint64_t)table | 3;
    table[0] = (address & ~0xFFFull) | 3;
    table[1] = ((address & ~0xFFFull) + 0x1000) | 3;
    invlpg(WINDOW);
    invlpg(WINDOW + 0x1000);
    return (volatile uint64_t *)(WINDOW + (address & 0xFFF));
}
static uint64_t where(const char *text) {
    if (equal(text, "above")) return low_memory_end();
    if (equal(text, "straddle")) return low_memory_end() - 4;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        if (equal(text, places[i].name)) return places[i].address;
    return parse_number(text);
}
/// Maps a place outside, named as for `memory`, for other attacks.
volatile void *map_outside_address(uint64_t address) { return map(address); }
volatile void *map_outside(const char *argument) { return map(where(*argument ? argument : "above")); }

enum outcome { ONES, FAULT, DATA, STUCK };
// Reads, and writes a pattern that must not stay. What was there is put back.
static enum outcome touch(uint64_t address, uint64_t *seen) {
    volatile uint64_t *at = map(address);
    uint64_t before = 0, after = 0;
    if (try_read(at, &before) >= 0) return FAULT;
    *seen = before;
    if (try_write(at, PATTERN) >= 0) return before == ~0ull ? FAULT : DATA;
    if (try_read(at, &after) >= 0) return FAULT;
    if (after == PATTERN) {
        *seen = after;
        try_write(at, before);
        return STUCK;
    }
    return before == ~0ull ? ONES : DATA;
}
static void scan(const char *name, uint64_t start, uint64_t count, uint64_t stride) {
    uint64_t outcomes[4] = {0}, skipped = 0;
    announce("memory", name);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t address = start + i * stride, seen = 0;
        if (address_is_ours(address, 8)) {
            skipped++;
            continue;
        }
        enum outcome outcome = touch(address, &seen);
        outcomes[outcome]++;
        if (outcome == DATA || outcome == STUCK)
            finding(name, "address=%lx %s=%016lx", address, outcome == STUCK ? "kept" : "read", seen);
    }
    attempt(name, "%lu-ones,%lu-fault,%lu-data,%lu-kept,%lu-own",
            outcomes[ONES], outcomes[FAULT], outcomes[DATA], outcomes[STUCK], skipped);
}
// A leaf with bits above the processor's physical width, and with bit 7 of a PML4 entry: #PF naming reserved bits.
static void reserved_bits(void) {
    uint32_t width = cpuid(0x80000000, 0).eax >= 0x80000008 ? cpuid(0x80000008, 0).eax & 0xFF : 36;
    uint32_t faults = 0, tried = 0;
    uint64_t seen;
    for (uint32_t bit = width; bit < 52; bit++, tried++) {
        volatile uint64_t *at = map(0x200000);
        table[0] |= 1ull << bit;
        invlpg(WINDOW);
        if (try_read(at, &seen) == 14 && (fault.error & 8)) faults++;
        else finding("memory-reserved", "bit=%u seen=%s error=%lx", bit, vector_name((int)fault.vector), fault.error);
    }
    attempt("memory-reserved", "%u-of-%u-#PF", faults, tried);
}
static void everything(void) {
    scan("memory-above", low_memory_end(), 512, 4096);
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        char name[32];
        format_into(name, sizeof name, "memory-%s", places[i].name);
        scan(name, places[i].address, 16, 4096);
    }
    scan("memory-hole-3g", 0xC0000000, 512, 2 << 20);
    scan("memory-scan-16g", 0, 8192, 2 << 20);
    reserved_bits();
}

// Whether what was read came from nobody: of an access across the end of our memory, the part behind it.
static bool nothing(uint64_t address, uint64_t seen) {
    uint64_t end = low_memory_end();
    return address < end && address + 8 > end ? ~seen >> (end - address) * 8 == 0 : seen == ~0ull;
}
static void report_access(const char *name, bool held, int vector, uint64_t seen) {
    attempt(name, "%s,%s,%016lx", vector_name(vector), held ? "nothing" : "something", seen);
}
asm(".text\nmemory_push: pushq %rax\n popq %rbx\n jmp probe_done\n"
    "memory_string: rep movsb\n jmp probe_done\n"
    "memory_atomic: lock cmpxchgq %rbx, (%rdi)\n jmp probe_done\n"
    "memory_wide: lock cmpxchg16b (%rdi)\n jmp probe_done\n"
    "memory_add: lock addq %rbx, (%rdi)\n movq (%rdi), %rax\n jmp probe_done\n"
    "memory_fill: cld\n rep stosb\n jmp probe_done\n"
    "memory_vector: movups (%rdi), %xmm0\n movups %xmm0, (%rsi)\n movups %xmm0, (%rdi)\n jmp probe_done\n"
    "memory_state: fxsave (%rdi)\n movq (%rdi), %rax\n jmp probe_done\n"
    "memory_flush: clflush (%rdi)\n prefetcht0 (%rdi)\n invlpg (%rdi)\n movq (%rdi), %rax\n jmp probe_done\n"
    "memory_enter: enter $32, $4\n jmp probe_done\n");
extern const char memory_push[], memory_string[], memory_atomic[], memory_wide[], memory_add[], memory_fill[],
    memory_vector[], memory_state[], memory_flush[], memory_enter[];

// One instruction that reads or writes at `address`; what it read, or what is there afterwards, is to come from nobody.
static bool other_kind(const char *kind, uint64_t address, uint64_t at) {
    static _Alignas(64) uint64_t landing[64];
    uint64_t seen = ~0ull;
    int vector;
    struct registers r = {.rdi = at & ~15ull, .rsi = (uint64_t)landing, .rax = 1, .rbx = 1, .rdx = 2, .rcx = 3};
    uint64_t cr0 = read_cr0(), cr4 = read_cr4();
    write_cr0((cr0 & ~0xCull) | 2), write_cr4(cr4 | 0x600);  // vector instructions on
    landing[0] = landing[1] = ~0ull;
    if (equal(kind, "wide")) vector = probe_run(memory_wide, &r), seen = probe_after.rax & probe_after.rdx;
    else if (equal(kind, "add")) r.rdi = at, vector = probe_run(memory_add, &r), seen = probe_after.rax;
    else if (equal(kind, "fill")) {
        r.rdi = at, r.rcx = 64;
        vector = probe_run(memory_fill, &r);
        if (vector < 0) vector = try_read((volatile void *)(at + 16), &seen);
    } else if (equal(kind, "vector")) vector = probe_run(memory_vector, &r), seen = landing[0] & landing[1];
    else if (equal(kind, "state")) vector = probe_run(memory_state, &r), seen = probe_after.rax;
    else if (equal(kind, "flush")) vector = probe_run(memory_flush, &r), seen = probe_after.rax;
    else if (equal(kind, "enter")) {
        r.rsp = at + 0x400, r.rbp = at + 0x800;
        vector = probe_run(memory_enter, &r);
        if (vector < 0) vector = try_read((volatile void *)(at + 0x3F8), &seen);
    } else return false;
    write_cr4(cr4), write_cr0(cr0);
    (void)address;
    attempt(kind, "%s,%s,%016lx", vector_name(vector), vector >= 0 || seen == ~0ull ? "nothing" : "something", seen);
    return true;
}

static void one(const char *kind, uint64_t address) {
    uint64_t seen = 0;
    volatile uint64_t *at = map(address);
    uint64_t value = (uint64_t)at;
    int vector;
    static uint8_t landing[64];
    if (equal(kind, "read")) {
        vector = try_read(at, &seen);
        report_access("memory-read", vector >= 0 || nothing(address, seen), vector, seen);
    } else if (equal(kind, "write")) {
        vector = try_write(at, PATTERN);
        if (vector < 0) vector = try_read(at, &seen);
        report_access("memory-write", vector >= 0 || nothing(address, seen), vector, seen);
    } else if (equal(kind, "atomic")) {
        vector = probe_run(memory_atomic, &(struct registers){.rdi = value, .rax = 0, .rbx = PATTERN});
        report_access("memory-atomic", vector >= 0 || nothing(address, probe_after.rax), vector, probe_after.rax);
    } else if (equal(kind, "string")) {
        struct registers r = {.rdi = (uint64_t)landing, .rsi = value, .rcx = sizeof landing};
        vector = probe_run(memory_string, &r);
        seen = *(uint64_t *)landing;
        report_access("memory-string", vector >= 0 || nothing(address, seen), vector, seen);
    } else if (equal(kind, "stack")) {
        vector = probe_run(memory_push, &(struct registers){.rsp = value + 0x800, .rax = PATTERN});
        report_access("memory-stack", vector >= 0 || probe_after.rbx == ~0ull, vector, probe_after.rbx);
    } else if (equal(kind, "fetch")) {
        vector = probe_run((const void *)value, &(struct registers){.rax = (uint64_t)landing});
        report_access("memory-fetch", vector >= 0 && fault.rip == value, vector, fault.rip - value);
    } else if (equal(kind, "walk")) {
        page_map[2] = (address & ~0xFFFull) | 3;
        invlpg(WALKED);
        vector = try_read((volatile void *)WALKED, &seen);
        // All-ones is a present entry with reserved bits set; any other answer came out of someone's memory.
        report_access("memory-walk", vector == 14 && (fault.error & 8), vector, fault.error);
        page_map[2] = 0;
    } else if (equal(kind, "table")) {
        struct table_pointer outside = {0xFFF, value & ~0xFFFull};
        asm volatile("cli\n\tlidt %0\n\tud2" ::"m"(outside));
    } else if (equal(kind, "segments")) {
        // The descriptors themselves outside: the next load of a segment reads them.
        struct table_pointer outside = {0xFFF, value & ~0xFFFull};
        asm volatile("cli\n\tlgdt %0" ::"m"(outside));
        asm volatile(GUARDED("movl $0x10, %%eax\n\tmovl %%eax, %%ss") ::: "rax", "memory");
        vector = (int)fault.vector;
        report_access("memory-segments", vector >= 0, vector, fault.error);
    } else if (!other_kind(kind, address, value)) {
        print("@unknown memory:%s\n", kind);
    }
}
void attack_memory(const char *argument) {
    if (!*argument) {
        everything();
        return;
    }
    char kind[16] = "read";
    announce("memory", argument);
    for (size_t i = 0; argument[i] && i < sizeof kind; i++) {
        if (argument[i] != '@') continue;
        memcpy(kind, argument, i);
        kind[i] = 0;
        argument += i + 1;
        break;
    }
    one(kind, where(argument));
}

// Whether memory that this guest left behind, or anyone else, is still there after a restart (law 9), and the marker
// for the next time.
void attack_residue(const char *argument) {
    (void)argument;
    struct range r = free_memory();
    uint64_t markers = 0, others = 0;
    // The loader's structures may lie in RAM: the upper part is free of them.
    uint64_t start = r.start, end = r.start + r.size;
    for (uint64_t at = start; at < end; at += 8) {
        uint64_t value = *(volatile uint64_t *)at;
        if (value == PATTERN) markers++;
        else if (value) {
            if (others++ == 0) finding("residue", "address=%lx value=%016lx", at, value);
        }
        *(volatile uint64_t *)at = PATTERN;
    }
    attempt("residue", "%lu-markers,%lu-other-words,of-%lu", markers, others, r.size / 8);
}

// Whether the place where writes to nothing go remembers them: an instruction that reads and writes at once sees what
// the last one left, or what a guest before a restart left.
void attack_residue_outside(const char *argument) {
    uint64_t base = (uint64_t)map_outside(*argument ? argument : "hole"), kept = 0;
    announce("residue-outside", argument);
    for (uint64_t offset = 0; offset < 4096; offset += 512) {
        // RAX equals nothing that is there, so that nothing is exchanged.
        struct registers r = {.rdi = base + offset, .rax = 0x0123456789ABCDEF, .rbx = PATTERN};
        if (probe_run(memory_atomic, &r) < 0 && probe_after.rax != ~0ull) {
            kept++;
            finding("residue-outside", "offset=%lx value=%016lx", offset, probe_after.rax);
        }
        try_write((volatile void *)(base + offset), PATTERN);
    }
    attempt("residue-outside", "%lu-of-8-remembered", kept);
}
