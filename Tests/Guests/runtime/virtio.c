// Bringing up a virtio function that root mode stands for.
#include "virtio.h"

enum { FEATURES = 0x08, STATUS = 0x14, QUEUE = 0x16, SIZE = 0x18, QUEUE_VECTOR = 0x1A, ENABLE = 0x1C, TABLE = 0x20, LINK = 0x56 };

uint16_t virtio_enable(uint32_t slot) {
    config_write(slot, 4, 0x407);
    return (uint16_t)(config_read(slot, 0x10) & ~3u);
}
uint8_t virtio_status(uint16_t ports) { return in8(ports + STATUS); }
void virtio_reset(uint16_t ports) { out8(ports + STATUS, 0); }
bool virtio_link(uint16_t ports) { return in8(ports + LINK) & 1; }

static void place(uint16_t port, uint64_t address) {
    out32(port, (uint32_t)address), out32(port + 4, (uint32_t)(address >> 32));
}
void virtio_start(uint16_t ports, uint32_t features, uint16_t entries, const struct places places[2]) {
    virtio_start_queues(ports, features, entries, places, 2);
}
void virtio_start_queues(uint16_t ports, uint32_t features, uint16_t entries, const struct places *places, uint16_t count) {
    out8(ports + STATUS, 3);
    out32(ports + FEATURES, 0), out32(ports + FEATURES + 4, features);
    // VIRTIO_F_VERSION_1.
    out32(ports + FEATURES, 1), out32(ports + FEATURES + 4, 1);
    out8(ports + STATUS, 11);
    for (uint16_t i = 0; i < count; i++) {
        out16(ports + QUEUE, i), out16(ports + SIZE, entries);
        place(ports + TABLE, places[i].table);
        place(ports + TABLE + 8, places[i].driver);
        place(ports + TABLE + 16, places[i].device);
        out16(ports + QUEUE_VECTOR, 0), out16(ports + ENABLE, 1);
    }
    out8(ports + STATUS, 15);
}
void virtio_interrupts(uint32_t slot, uint32_t vector) {
    volatile uint32_t *entry = (volatile uint32_t *)(uint64_t)(config_read(slot, 0x14) & ~0xFu);
    config_write(slot, 0x40, 1u << 31);
    entry[0] = 0xFEE00000 | machine.apic_ids[0] << 12, entry[1] = 0, entry[2] = vector, entry[3] = 0;
}
