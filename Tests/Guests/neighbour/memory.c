// Memory under watch: the top of the largest RAM range (its last page is where an off-by-one of someone else would land)
// and the first 512 KiB below the program.
#include "neighbour.h"

struct range watched;
volatile uint64_t memory_bad, memory_bad_at, memory_rounds;
static uint64_t seed, next;

static const uint64_t watched_most = 32ull << 20, slice = 1ull << 20;
// Above the start-up page of further vCPUs, below the loader's and the firmware's tables.
static const struct range low = {0x10000, 0x70000, RAM};

// A mix, so that neither zeroes, a copied page nor a shifted one passes.
static uint64_t value_at(uint64_t address) {
    uint64_t x = address ^ seed;
    x = (x ^ x >> 31) * 0x9E3779B97F4A7C15;
    return x ^ x >> 29;
}
static void fill(struct range r) {
    for (uint64_t at = r.start; at < r.start + r.size; at += 8) *(volatile uint64_t *)at = value_at(at);
}
static void check(struct range r) {
    for (uint64_t at = r.start; at < r.start + r.size; at += 8) {
        if (*(volatile uint64_t *)at == value_at(at)) continue;
        if (memory_bad++ == 0) memory_bad_at = at;
    }
}
void memory_fill(void) {
    seed = rdtsc() | 1;
    watched = free_memory();
    if (watched.size > watched_most) watched.start += watched.size - watched_most, watched.size = watched_most;
    watched.size &= ~(slice - 1);
    fill(low);
    fill(watched);
}
void memory_check(void) {
    if (next == 0) check(low);
    if (next < watched.size) check((struct range){watched.start + next, slice, RAM});
    next += slice;
    if (next >= watched.size) next = 0, memory_rounds++;
}
