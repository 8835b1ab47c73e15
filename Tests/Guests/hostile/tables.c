// (c) Page tables that lead outside: at each level, by large pages, by themselves.
#include "attack.h"

#define WINDOW 0x18000000000ull  // the fourth PML4 entry
extern uint64_t page_map[512];
static _Alignas(4096) uint64_t tables[3][512];

// `outside` takes the place of the table of a level: 4 for what the fourth-level entry leads to, down to 2.
static void levels(void) {
    uint32_t faults = 0, tried = 0;
    uint64_t seen;
    announce("table-levels", "");
    for (uint32_t level = 4; level >= 2; level--)
        for (uint32_t place = 0; place < 3; place++) {
            const uint64_t outside[3] = {low_memory_end(), 0xFEE00000, 1ull << 32};
            page_map[3] = (level == 4 ? outside[place] : (uint64_t)tables[0]) | 3;
            tables[0][0] = (level == 3 ? outside[place] : (uint64_t)tables[1]) | 3;
            tables[1][0] = outside[place] | 3;
            write_cr3(read_cr3());
            tried++;
            // All-ones is present with reserved bits set, so nobody sets an accessed or dirty bit there either.
            if (try_read((volatile void *)WINDOW, &seen) == 14 && fault.error & 8) faults++;
            else finding("table-levels", "level=%u outside=%lx %s", level, outside[place], vector_name((int)fault.vector));
        }
    page_map[3] = 0;
    attempt("table-levels", "%u-of-%u-#PF", faults, tried);
}
// A large page that begins at the end of our memory, and one (where there are such) that has our memory in it.
static void large_pages(void) {
    uint32_t ones = 0, own = 0, others = 0, faults = 0;
    announce("table-large-pages", "");
    page_map[3] = (uint64_t)tables[0] | 3;
    bool huge = cpuid(0x80000001, 0).edx >> 26 & 1;
    for (uint32_t round = 0; round < 2; round++) {
        uint64_t base = round ? 0 : low_memory_end() & ~0x1FFFFFull, size = round ? 1ull << 30 : 2 << 20;
        if (round && !huge) break;
        tables[0][0] = round ? base | 0x83 : (uint64_t)tables[1] | 3;
        tables[1][0] = base | 0x83;
        write_cr3(read_cr3());
        for (uint64_t at = 0; at < size; at += round ? 2 << 20 : 4096) {
            uint64_t seen;
            if (try_read((volatile void *)(WINDOW + at), &seen) >= 0) faults++;
            else if (address_is_ours(base + at, 8)) own++;
            else if (seen == ~0ull) ones++;
            else others++, finding("table-large-pages", "address=%lx read=%lx", base + at, seen);
        }
    }
    page_map[3] = 0;
    write_cr3(read_cr3());
    attempt("table-large-pages", "%u-ones,%u-own,%u-other,%u-fault", ones, own, others, faults);
}
// A fourth-level table that is its own third, second and first: every entry of it can be written through itself.
static void recursive(void) {
    volatile uint64_t *self = (volatile uint64_t *)0xFFFFFE7F3F9FC000ull;  // entry 508, four times
    uint64_t seen = 0;
    announce("table-recursive", "");
    page_map[508] = (uint64_t)page_map | 3;
    write_cr3(read_cr3());
    // The third entry is made to lead outside, through the mapping itself.
    int vector = try_write(self + 3, low_memory_end() | 3);
    write_cr3(read_cr3());
    bool same = page_map[3] == (low_memory_end() | 3);
    int outside = try_read((volatile void *)WINDOW, &seen);
    page_map[3] = page_map[508] = 0;
    write_cr3(read_cr3());
    attempt("table-recursive", "%s,%s,%s", vector_name(vector), same ? "own-table" : "elsewhere",
            outside == 14 ? "outside-#PF" : "outside-read");
}
// Each bit of an address above the processor's width and below bit 52, at each level, and everything at once.
static void widths(void) {
    uint32_t width = cpuid(0x80000008, 0).eax & 0xFF, faults = 0, tried = 0;
    uint64_t seen;
    announce("table-widths", "");
    for (uint32_t level = 0; level < 3; level++)
        for (uint32_t bit = width; bit < 52; bit++, tried++) {
            page_map[3] = (uint64_t)tables[0] | 3;
            tables[0][0] = (uint64_t)tables[1] | 3;
            tables[1][0] = (uint64_t)tables[2] | 3;
            tables[2][0] = 0x200000 | 3;
            *(level == 0 ? &page_map[3] : &tables[level - 1][0]) |= 1ull << bit;
            write_cr3(read_cr3());
            if (try_read((volatile void *)WINDOW, &seen) == 14 && fault.error & 8) faults++;
            else finding("table-widths", "level=%u bit=%u", level, bit);
        }
    page_map[3] = 0;
    write_cr3(read_cr3());
    attempt("table-widths", "%u-of-%u-#PF", faults, tried);
}
void attack_tables(const char *argument) {
    (void)argument;
    levels();
    large_pages();
    recursive();
    widths();
}
