// The sandbox's tables: descriptors, interrupt table, task state, page tables. They are written anew for each sequence.
#include "tables.h"

static uint64_t descriptors_now[TABLE_SIZE / 8], local_table[4];
static struct { uint64_t low, high; } gates[256];
static _Alignas(16) uint8_t stacks[3][4096];
static _Alignas(16) uint8_t gate_stack[1024];
static struct __attribute__((packed)) {
    uint32_t reserved0;
    uint64_t rsp[3], reserved1, ist[7], reserved2;
    uint16_t reserved3, io_map;
} task_state;
_Alignas(4096) uint8_t pages[4][4096];
static _Alignas(4096) uint64_t level4[512], level3[512], low_directory[512], low_table[512], directory[512];
_Alignas(4096) uint64_t sandbox_table[512];

static const uint64_t descriptors[TABLE_SIZE / 8] = {
    [CODE64 / 8] = 0x00209B0000000000,
    [DATA0 / 8] = 0x00CF93000000FFFF,
    [CODE32 / 8] = 0x00CF9B000000FFFF,
    [CODE16 / 8] = 0x40009B000000FFFF,
    [DATA16 / 8] = 0x400093000000FFFF,
    [USER_CODE32 / 8] = 0x00CFFB000000FFFF,
    [USER_DATA / 8] = 0x00CFF3000000FFFF,
    [USER_CODE64 / 8] = 0x0020FB0000000000,
    [USER_CODE16 / 8] = 0x4000FB000000FFFF,
    [USER_DATA16 / 8] = 0x4000F3000000FFFF,
    [NOT_PRESENT / 8] = 0x00CF73000000FFFF,
    [CONFORMING / 8] = 0x0020FF0000000000,
    [READ_ONLY / 8] = 0x00CFF1000000FFFF,
};

static void system_descriptor(uint32_t selector, const void *at, uint64_t limit, uint64_t type) {
    uint64_t base = (uint64_t)at;
    descriptors_now[selector / 8] = limit | (base & 0xFFFFFF) << 16 | type << 40 | (base >> 24 & 0xFF) << 56;
    descriptors_now[selector / 8 + 1] = base >> 32;
}
static void gate(uint64_t entry[2], const void *target, uint64_t type_and_stack) {
    uint64_t to = (uint64_t)target;
    entry[0] = (to & 0xFFFF) | CODE64 << 16 | type_and_stack << 32 | (to >> 16 & 0xFFFF) << 48;
    entry[1] = to >> 32;
}

void tables_build(void) {
    for (int i = 0; i < 256; i++) {
        // Users may call the breakpoint, the overflow and one more.
        bool open = i == 3 || i == 4 || i == 0x80;
        gate((uint64_t *)&gates[i], stubs + i * 16, (open ? 0xEE00 : 0x8E00) | (i == 2 ? 2 : i == 8 ? 3 : 1));
    }
    for (int i = 0; i < 3; i++) {
        task_state.ist[i] = (uint64_t)(stacks[i] + sizeof stacks[i]);
        task_state.rsp[i] = (uint64_t)(gate_stack + sizeof gate_stack);
    }
    task_state.io_map = sizeof task_state;
    // Nothing of the machine is mapped but this program: what a sequence may reach is the same everywhere.
    level4[0] = (uint64_t)level3 | 7;
    level3[0] = (uint64_t)low_directory | 3;
    level3[SANDBOX >> 30] = (uint64_t)directory | 7;
    low_directory[0] = (uint64_t)low_table | 3;
    for (uint64_t at = (uint64_t)image_start & ~0xFFFull; at < 0x200000; at += 4096) low_table[at / 4096] = at | 3;
    for (uint64_t at = 0x200000; at < (uint64_t)image_end; at += 0x200000) low_directory[at >> 21] = at | 0x83;
    directory[0] = (uint64_t)sandbox_table | 7;
}

void tables_reset(void) {
    static const uint64_t noExecute = 1ull << 63;
    memcpy(descriptors_now, descriptors, sizeof descriptors_now);
    system_descriptor(TASK_STATE, &task_state, sizeof task_state - 1, 0x89);
    system_descriptor(LOCAL_TABLE, local_table, sizeof local_table - 1, 0x82);
    gate(&descriptors_now[CALL_GATE / 8], gate_landing, 0xEC00);
    local_table[0] = descriptors[USER_DATA / 8];
    local_table[1] = descriptors[USER_CODE64 / 8];
    local_table[2] = descriptors[DATA0 / 8];
    local_table[3] = 0;
    sandbox_table[0] = (uint64_t)pages[0] | 7;
    sandbox_table[1] = (uint64_t)pages[1] | 7 | noExecute;
    sandbox_table[2] = (uint64_t)pages[2] | 7 | noExecute;
    sandbox_table[3] = (uint64_t)pages[3] | 5 | noExecute;
    sandbox_table[4] = (uint64_t)pages[1] | 3 | noExecute;
    sandbox_table[5] = 0;
    directory[0] = (uint64_t)sandbox_table | 7;
}

struct table_pointer global_pointer(void) { return (struct table_pointer){TABLE_SIZE - 1, (uint64_t)descriptors_now}; }
struct table_pointer interrupt_pointer(void) { return (struct table_pointer){sizeof gates - 1, (uint64_t)gates}; }
uint64_t root_table(void) { return (uint64_t)level4; }

uint64_t tables_sum(uint64_t sum) {
    for (size_t i = 0; i < TABLE_SIZE / 8; i++) sum = mix(sum, descriptors_now[i]);
    for (size_t i = 0; i < 6; i++) sum = mix(sum, sandbox_table[i]);
    return mix(sum, directory[0]);
}
