// Finding and driving the functions of functions.h.
#include "functions.h"

uint32_t find_capability(uint32_t slot, uint32_t id, uint32_t after) {
    uint32_t at = after ? config_read(slot, after) >> 8 & 0xFC : config_read(slot, 0x34) & 0xFC;
    for (int i = 0; at && i < 48; i++, at = config_read(slot, at) >> 8 & 0xFC)
        if ((config_read(slot, at) & 0xFF) == id) return at;
    return 0;
}
uint64_t bar_address(uint32_t slot, uint32_t bar) {
    uint32_t low = config_read(slot, 0x10 + bar * 4);
    uint64_t high = (low & 6) == 4 ? config_read(slot, 0x14 + bar * 4) : 0;
    return high << 32 | (low & ~0xFu);
}
void enable_function(uint32_t slot) { config_write(slot, 4, 6); }

// The engine ------------------------------------------------------------------------------------------------------------
#define BUFFER 0x40000
static volatile uint8_t *engine;

bool engine_ready(void) {
    uint32_t slot = find_function(ENGINE_ID);
    if (!slot) return false;
    enable_function(slot);
    engine = (volatile uint8_t *)bar_address(slot, 0);
    return true;
}
static volatile uint64_t *wide(uint32_t reg) { return (volatile uint64_t *)(engine + reg); }
void engine_begin(uint64_t address, uint32_t bytes, bool write) {
    *wide(0x80) = write ? BUFFER : address;
    *wide(0x88) = write ? address : BUFFER;
    *wide(0x90) = bytes;
    *wide(0x98) = write ? 3 : 1;
}
static bool move(uint64_t address, uint32_t bytes, bool write) {
    engine_begin(address, bytes, write);
    for (uint64_t end = uptime_ms() + 5000; uptime_ms() < end; delay_us(500))
        if (!(*wide(0x98) & 1)) return true;
    return false;
}
bool engine_read(uint64_t address, uint32_t bytes) { return move(address, bytes, false); }
bool engine_write(uint64_t address, uint32_t bytes) { return move(address, bytes, true); }
void engine_interrupt(bool raised) { *(volatile uint32_t *)(engine + (raised ? 0x60 : 0x64)) = 1; }

// The entropy source ----------------------------------------------------------------------------------------------------
static _Alignas(4096) volatile struct {
    struct {
        uint64_t address;
        uint32_t length;
        uint16_t flags, next;
    } descriptors[8];
    _Alignas(256) struct {
        uint16_t flags, index, ring[8];
    } available;
    _Alignas(256) struct {
        uint16_t flags, index;
        struct {
            uint32_t id, length;
        } ring[8];
    } used;
} queue;
static volatile uint8_t *notify;

static volatile uint8_t *structure(uint32_t slot, uint32_t type) {
    for (uint32_t at = find_capability(slot, 9, 0); at; at = find_capability(slot, 9, at))
        if (config_read(slot, at) >> 24 == type)
            return (volatile uint8_t *)(bar_address(slot, config_read(slot, at + 4) & 7) + config_read(slot, at + 8));
    return nullptr;
}
static void put64(volatile uint8_t *at, const volatile void *value) {
    *(volatile uint32_t *)at = (uint32_t)(uint64_t)value;
    *(volatile uint32_t *)(at + 4) = (uint32_t)((uint64_t)value >> 32);
}
bool entropy_start(void) {
    uint32_t slot = find_function(ENTROPY_ID);
    volatile uint8_t *common = slot ? structure(slot, 1) : nullptr;
    notify = slot ? structure(slot, 2) : nullptr;
    if (!common || !notify) return false;
    enable_function(slot);
    common[20] = 0;
    while (common[20]) pause();
    memset((void *)&queue, 0, sizeof queue);
    common[20] = 1, common[20] = 3;
    // Version 1 and access through the platform's IOMMU, bits 32 and 33.
    *(volatile uint32_t *)(common + 8) = 0, *(volatile uint32_t *)(common + 12) = 0;
    *(volatile uint32_t *)(common + 8) = 1, *(volatile uint32_t *)(common + 12) = 3;
    common[20] = 11;
    *(volatile uint16_t *)(common + 22) = 0;
    *(volatile uint16_t *)(common + 24) = 8;
    put64(common + 32, queue.descriptors), put64(common + 40, &queue.available), put64(common + 48, &queue.used);
    *(volatile uint16_t *)(common + 28) = 1;
    common[20] = 15;
    return common[20] == 15;
}
void entropy_begin(uint64_t address, uint32_t bytes) {
    queue.descriptors[0].address = address;
    queue.descriptors[0].length = bytes;
    queue.descriptors[0].flags = 2;
    queue.available.ring[queue.available.index % 8] = 0;
    asm volatile("mfence" ::: "memory");
    queue.available.index++;
    asm volatile("mfence" ::: "memory");
    *(volatile uint16_t *)notify = 0;
}
bool entropy_write(uint64_t address, uint32_t bytes) {
    uint16_t done = queue.used.index;
    entropy_begin(address, bytes);
    for (uint64_t start = rdtsc(); rdtsc() - start < 2000 * machine.tsc_khz; pause())
        if (queue.used.index != done) return true;
    return false;
}
