// What the loader and the firmware tables say, and the way to guest_main().
#include "runtime.h"

struct start_information {  // hvm_start_info, version 1
    uint32_t magic, version, flags, module_count;
    uint64_t modules, command_line, rsdp, memory_map;
    uint32_t memory_map_entries, reserved;
};
struct memory_map_entry {
    uint64_t start, size;
    uint32_t type, reserved;
};
struct multiboot_information {
    uint32_t flags, memory[2], device, command_line, modules[2], symbols[4], map_length, map;
};
struct machine machine;
extern uint32_t boot_magic, boot_information;

static void add_range(uint64_t start, uint64_t size, uint32_t type) {
    if (machine.range_count < RANGES_MAX) machine.ranges[machine.range_count++] = (struct range){start, size, type};
}
static void copy_command_line(uint64_t address) {
    const char *text = (const char *)address;
    for (size_t i = 0; address && text[i] && i + 1 < sizeof machine.command_line; i++) machine.command_line[i] = text[i];
}
static void read_multiboot(const struct multiboot_information *info) {
    machine.multiboot = true;
    if (info->flags & 4) copy_command_line(info->command_line);
    if (info->flags & 8 && info->modules[0]) {
        const uint32_t *module = (const uint32_t *)(uint64_t)info->modules[1];
        machine.module = (struct range){module[0], module[1] - module[0], RAM};
    }
    if (!(info->flags & 64)) return;
    for (uint64_t at = info->map; at < (uint64_t)info->map + info->map_length;) {
        const uint32_t *entry = (const uint32_t *)at;
        add_range(entry[1] | (uint64_t)entry[2] << 32, entry[3] | (uint64_t)entry[4] << 32, entry[5]);
        at += entry[0] + 4;
    }
}
static void read_start_information(const struct start_information *info) {
    copy_command_line(info->command_line);
    machine.rsdp = info->rsdp;
    if (info->module_count) {
        const uint64_t *module = (const uint64_t *)info->modules;
        machine.module = (struct range){module[0], module[1], RAM};
    }
    const struct memory_map_entry *entries = (const struct memory_map_entry *)info->memory_map;
    for (uint32_t i = 0; info->version >= 1 && i < info->memory_map_entries; i++)
        add_range(entries[i].start, entries[i].size, entries[i].type);
}

bool address_is_ours(uint64_t address, uint64_t size) {
    for (uint32_t i = 0; i < machine.range_count; i++) {
        const struct range *r = &machine.ranges[i];
        if (address < r->start + r->size && address + size > r->start) return true;
    }
    return false;
}
struct range free_memory(void) {
    struct range best = {0, 0, RAM};
    for (uint32_t i = 0; i < machine.range_count; i++) {
        struct range r = machine.ranges[i];
        uint64_t end = r.start + r.size;
        if (r.type != RAM || r.start >= 1ull << 32) continue;
        if (end > 1ull << 32) end = 1ull << 32;  // the identity map's end
        if (r.start < (uint64_t)image_end) r.start = (uint64_t)image_end;
        if (end > r.start && end - r.start > best.size) best = (struct range){r.start, end - r.start, RAM};
    }
    return best;
}
uint64_t low_memory_end(void) {
    uint64_t end = 0;
    for (uint32_t i = 0; i < machine.range_count; i++) {
        const struct range *r = &machine.ranges[i];
        if (r->type == RAM && r->start < 1ull << 32 && r->start + r->size > end) end = r->start + r->size;
    }
    return end;
}
bool option(const char *key, char *value, size_t capacity) {
    size_t length = strlen(key);
    for (const char *at = machine.command_line; *at; at++) {
        if ((at != machine.command_line && at[-1] != ' ') || !starts_with(at, key) || at[length] != '=') continue;
        size_t used = 0;
        for (at += length + 1; *at && *at != ' ' && used + 1 < capacity; at++) value[used++] = *at;
        value[used] = 0;
        return true;
    }
    return false;
}

void find_processors(void);
void find_clock(void);

void runtime_start(void) {
    load_interrupt_table(0);
    if (boot_magic == 0x2BADB002)
        read_multiboot((const void *)(uint64_t)boot_information);
    else if (*(const uint32_t *)(uint64_t)boot_information == 0x336EC578)
        read_start_information((const void *)(uint64_t)boot_information);
    // Where there is a PIC, silence it; where there is none, nobody answers.
    out8(0x21, 0xFF);
    out8(0xA1, 0xFF);
    apic_start();
    find_processors();
    find_clock();
    guest_main();
}
