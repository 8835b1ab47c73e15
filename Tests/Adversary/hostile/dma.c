// (d) A DMA engine of this partition, aimed by `dma:ADDRESS` where it may not reach: QEMU's edu (docs/specs/edu.rst).
#include "attack.h"

#define ADDRESS 0xCF8
#define DATA 0xCFC
#define MARK 0x0123456789ABCDEFull

static volatile uint64_t own;

// Its first BAR, with memory and bus mastering switched on; null when this partition has none.
static volatile uint64_t *find_engine(void) {
    for (uint32_t slot = 0; slot < 32; slot++) {
        out32(ADDRESS, 1u << 31 | slot << 11);
        if (in32(DATA) != 0x11E81234) continue;
        out32(ADDRESS, 1u << 31 | slot << 11 | 4);
        out16(DATA, 6);
        out32(ADDRESS, 1u << 31 | slot << 11 | 0x10);
        return (volatile uint64_t *)(uint64_t)(in32(DATA) & ~0xFu);
    }
    return nullptr;
}
// 8 bytes between memory and the engine's buffer. Command 1 reads memory, 3 writes it.
static bool transfer(volatile uint64_t *engine, uint64_t address, uint64_t command) {
    engine[0x80 / 8] = command == 1 ? address : 0x40000;
    engine[0x88 / 8] = command == 1 ? 0x40000 : address;
    engine[0x90 / 8] = 8;
    engine[0x98 / 8] = command;
    for (uint64_t end = uptime_ms() + 5000; uptime_ms() < end; delay_us(1000))
        if (!(engine[0x98 / 8] & 1)) return true;
    return false;
}
void attack_dma(const char *argument) {
    volatile uint64_t *engine = find_engine();
    announce("dma", argument);
    if (!engine) return attempt("dma", "no-engine");
    // What the engine still has from before.
    own = MARK;
    bool ended = transfer(engine, (uint64_t)&own, 3);
    uint64_t found = own;
    // There and back in its own memory first: what follows is not void.
    own = MARK;
    ended = ended && transfer(engine, (uint64_t)&own, 1);
    own = 0;
    ended = ended && transfer(engine, (uint64_t)&own, 3);
    bool works = own == MARK;
    ended = ended && transfer(engine, parse_number(argument), 1) && transfer(engine, (uint64_t)&own, 3);
    attempt("dma", "ended=%s,own=%s,found=%lx,read=%lx", ended ? "yes" : "no", works ? "yes" : "no", found, own);
}
