// Sequences from a seed. RBX, RSI and RDI lead into the sandbox and RBP and RSP into its stack: only instructions that move
// them a little use them, so that privileged code reaches nothing else.
#include "differential.h"

uint32_t roll(struct writer *writer, uint32_t sides) { return (uint32_t)(next_random(&writer->random) >> 33) % sides; }

uint64_t roll_value(struct writer *writer) {
    uint64_t random = next_random(&writer->random);
    switch (roll(writer, 8)) {
    case 0: return random & 0xFF;
    case 1: return (uint32_t)random;
    case 2: return DATA + (random & 0xFF8);
    case 3: return CONSTANTS + (random & 0xFFF);
    case 4: return 0 - (random & 0xFF);
    case 5: return 1ull << (random & 63);
    case 6: return 0x0000800000000000 | (random & 0xFFFF);
    default: return random;
    }
}

void emit(struct writer *writer, uint8_t byte) { writer->sequence->code[writer->sequence->length++] = byte; }
void emit_all(struct writer *writer, const char *bytes, size_t count) {
    for (size_t i = 0; i < count; i++) emit(writer, (uint8_t)bytes[i]);
}
void emit_value(struct writer *writer, uint64_t value, uint32_t bytes) {
    for (uint32_t i = 0; i < bytes; i++) emit(writer, (uint8_t)(value >> i * 8));
}
void emit_load(struct writer *writer, uint32_t register_number, uint64_t value) {
    bool high = value >> 32;
    uint8_t rex = (uint8_t)((high ? 0x48 : 0x40) | register_number >> 3);
    if (rex != 0x40) emit(writer, rex);
    emit(writer, (uint8_t)(0xB8 | (register_number & 7)));
    emit_value(writer, value, high ? 8 : 4);
}

/// Opcodes with a ModRM byte: the map (0: one byte, 1: 0Fh), how many sizes it has (bit 0 of the opcode), its immediate.
struct form {
    uint8_t map, opcode, immediate;
};
enum { NONE, BYTE, FULL, TEST };  // TEST: the group in which /0 and /1 alone have one
static const struct form forms[] = {
    {0, 0x00, NONE}, {0, 0x01, NONE}, {0, 0x02, NONE}, {0, 0x03, NONE}, {0, 0x08, NONE}, {0, 0x09, NONE}, {0, 0x0B, NONE},
    {0, 0x10, NONE}, {0, 0x11, NONE}, {0, 0x13, NONE}, {0, 0x19, NONE}, {0, 0x1B, NONE}, {0, 0x20, NONE}, {0, 0x21, NONE},
    {0, 0x23, NONE}, {0, 0x28, NONE}, {0, 0x29, NONE}, {0, 0x2B, NONE}, {0, 0x31, NONE}, {0, 0x33, NONE}, {0, 0x39, NONE},
    {0, 0x3B, NONE}, {0, 0x63, NONE}, {0, 0x69, FULL}, {0, 0x6B, BYTE}, {0, 0x80, BYTE}, {0, 0x81, FULL}, {0, 0x83, BYTE},
    {0, 0x84, NONE}, {0, 0x85, NONE}, {0, 0x86, NONE}, {0, 0x87, NONE}, {0, 0x88, NONE}, {0, 0x89, NONE}, {0, 0x8A, NONE},
    {0, 0x8B, NONE}, {0, 0x8D, NONE}, {0, 0xC0, BYTE}, {0, 0xC1, BYTE}, {0, 0xD0, NONE}, {0, 0xD1, NONE}, {0, 0xD2, NONE},
    {0, 0xD3, NONE}, {0, 0xF6, TEST}, {0, 0xF7, TEST}, {0, 0xFE, NONE}, {0, 0xC6, BYTE}, {0, 0xC7, FULL}, {0, 0xD8, NONE},
    {0, 0xD9, NONE}, {0, 0xDA, NONE}, {0, 0xDB, NONE}, {0, 0xDC, NONE}, {0, 0xDD, NONE}, {0, 0xDE, NONE}, {0, 0xDF, NONE},
    {1, 0x10, NONE}, {1, 0x11, NONE}, {1, 0x12, NONE}, {1, 0x14, NONE}, {1, 0x16, NONE}, {1, 0x28, NONE}, {1, 0x29, NONE},
    {1, 0x2A, NONE}, {1, 0x2C, NONE}, {1, 0x2D, NONE}, {1, 0x2E, NONE}, {1, 0x40, NONE}, {1, 0x44, NONE}, {1, 0x4C, NONE},
    {1, 0x51, NONE}, {1, 0x54, NONE}, {1, 0x58, NONE}, {1, 0x59, NONE}, {1, 0x5A, NONE}, {1, 0x5C, NONE}, {1, 0x5E, NONE},
    {1, 0x60, NONE}, {1, 0x6E, NONE}, {1, 0x6F, NONE}, {1, 0x70, BYTE}, {1, 0x7E, NONE}, {1, 0x7F, NONE}, {1, 0x92, NONE},
    {1, 0x9F, NONE}, {1, 0xA3, NONE}, {1, 0xA4, BYTE}, {1, 0xA5, NONE}, {1, 0xAB, NONE}, {1, 0xAC, BYTE}, {1, 0xAE, NONE},
    {1, 0xAF, NONE}, {1, 0xB0, NONE}, {1, 0xB1, NONE}, {1, 0xB3, NONE}, {1, 0xB6, NONE}, {1, 0xB7, NONE}, {1, 0xBA, BYTE},
    {1, 0xBB, NONE}, {1, 0xBC, NONE}, {1, 0xBD, NONE}, {1, 0xBE, NONE}, {1, 0xBF, NONE}, {1, 0xC0, NONE}, {1, 0xC1, NONE},
    {1, 0xC2, BYTE}, {1, 0xC6, BYTE}, {1, 0xD4, NONE}, {1, 0xEF, NONE}, {1, 0xFE, NONE},
};

/// RAX, RCX, RDX; as a byte register also AH, CH, DH. With REX.R or REX.B they are R8 to R11 and R14 or less.
static uint8_t roll_register(struct writer *writer) {
    static const uint8_t registers[] = {0, 1, 2};
    return registers[roll(writer, sizeof registers)];
}

static void emit_form(struct writer *writer) {
    const struct form *form = &forms[roll(writer, sizeof forms / sizeof *forms)];
    bool memory = roll(writer, 2), wide = roll(writer, 3) == 0, word = roll(writer, 6) == 0;
    bool x87 = form->map == 0 && form->opcode >= 0xD8 && form->opcode <= 0xDF, save = form->map == 1 && form->opcode == 0xAE;
    bool group = form->map == 0 && form->opcode >= 0x80 && form->opcode != 0x88;
    // Group members are numbers 0 to 7; some of these groups have no register operand that could be harmed.
    uint8_t field = group ? (uint8_t)roll(writer, 8) : roll_register(writer);
    if (form->map == 0 && form->opcode >= 0x84 && form->opcode <= 0x8D && field > 2) field &= 1;
    if (form->map == 1 && (form->opcode == 0xBA)) field = (uint8_t)(4 + roll(writer, 4));
    if (save) memory = false, field = (uint8_t)(5 + roll(writer, 3));  // fences
    if (form->map == 0 && (form->opcode == 0x8D)) memory = true;
    if (roll(writer, 20) == 0) emit(writer, 0xF0);
    if (word && !x87) emit(writer, 0x66);
    else if (form->map == 1 && roll(writer, 4) == 0 && !save) emit(writer, roll(writer, 2) ? 0xF2 : 0xF3);
    if (memory && roll(writer, 8) == 0) emit(writer, roll(writer, 2) ? 0x64 : 0x65);
    uint8_t rex = (uint8_t)(0x40 | (wide ? 8 : 0) | (!group && roll(writer, 4) == 0 ? 4 : 0) |
                            (!memory && roll(writer, 4) == 0 ? 1 : 0));
    if (rex != 0x40 && !save) emit(writer, rex);
    if (form->map) emit(writer, 0x0F);
    emit(writer, form->opcode);
    static const uint8_t pointers[] = {3, 6, 7};
    if (memory) {
        emit(writer, (uint8_t)(0x40 | field << 3 | pointers[roll(writer, 3)]));
        emit(writer, (uint8_t)roll(writer, 256));
    } else {
        emit(writer, (uint8_t)(0xC0 | field << 3 | (x87 ? (uint8_t)roll(writer, 8) : roll_register(writer))));
    }
    uint32_t full = rex & 8 ? 4 : word ? 2 : 4, size = 0;
    if (form->immediate == BYTE || (form->immediate == TEST && form->opcode == 0xF6 && field < 2)) size = 1;
    if (form->immediate == FULL || (form->immediate == TEST && form->opcode == 0xF7 && field < 2)) size = full;
    emit_value(writer, roll_value(writer), size);
    // Flags that the manual leaves undefined are what the emulator happens to know: they end here.
    bool bits = form->map == 1 && ((form->opcode & 0xE7) == 0xA3 || form->opcode == 0xBA || (form->opcode & 0xFE) == 0xBC);
    bool shift = form->map ? (form->opcode & 0xF6) == 0xA4 : (form->opcode & 0xEE) == 0xC0 || (form->opcode & 0xFC) == 0xD0;
    bool product = form->map ? form->opcode == 0xAF : (form->opcode & 0xFD) == 0x69 || (form->opcode & 0xFE) == 0xF6;
    if (bits || shift || product) EMIT(writer, "\x39\xC0");  // CMP EAX, EAX
}

static void emit_plain(struct writer *writer) {
    switch (roll(writer, 16)) {
    case 0: EMIT(writer, "\x98"); break;
    case 1: EMIT(writer, "\x48\x99"); break;
    case 2: EMIT(writer, "\x9F"); break;
    case 3: EMIT(writer, "\x9E"); break;
    case 4: EMIT(writer, "\xD7"); break;
    case 5: EMIT(writer, "\x50"); break;
    case 6: EMIT(writer, "\x5A"); break;
    case 7: EMIT(writer, "\x9C"); break;
    case 8: emit(writer, (uint8_t)(roll(writer, 2) ? 0xFC : 0xFD)); break;
    case 9: EMIT(writer, "\x0F\xC7\x4F\x08"); break;      // CMPXCHG8B
    case 10: EMIT(writer, "\xF0\x48\x0F\xC7\x0F"); break;  // CMPXCHG16B, at an odd address sometimes
    case 11: EMIT(writer, "\xC8\x20\x00\x01"); break;      // ENTER 32, 1
    case 12: EMIT(writer, "\xC9"); break;
    case 13: emit_load(writer, (uint32_t)(roll(writer, 2) ? 0 : 10), roll_value(writer)); break;
    case 14: EMIT(writer, "\xE8\x00\x00\x00\x00"); break;  // CALL to the next instruction
    default: {
        // A string instruction of a few repetitions.
        static const uint8_t opcodes[] = {0xA4, 0xA5, 0xA6, 0xA7, 0xAA, 0xAB, 0xAC, 0xAD, 0xAE, 0xAF};
        emit_load(writer, 1, roll(writer, 6));
        if (roll(writer, 2)) emit(writer, (uint8_t)(roll(writer, 2) ? 0xF2 : 0xF3));
        if (roll(writer, 2)) emit(writer, 0x48);
        emit(writer, opcodes[roll(writer, sizeof opcodes)]);
    }
    }
}

static void start_state(struct writer *writer, bool user) {
    struct context *start = &writer->sequence->start;
    for (int i = 0; i < 16; i++) start->gpr[i] = roll_value(writer);
    start->gpr[RBX] = DATA + roll(writer, 0xF00);
    start->gpr[RSI] = (roll(writer, 4) ? DATA : CONSTANTS) + roll(writer, 0x1000);
    start->gpr[RDI] = DATA + roll(writer, 0x1000);
    start->gpr[RBP] = STACK + 0xA00;
    start->gpr[RSP] = STACK + 0x800 + roll(writer, 4) * 2;
    start->rip = CODE;
    start->cs = user ? USER_CODE64 : CODE64;
    start->ss = start->ds = start->es = user ? USER_DATA : DATA0;
    start->fs = roll(writer, 2) ? start->ds : 0;
    start->gs = roll(writer, 2) ? start->ds : 0;
    start->rflags = 2 | (next_random(&writer->random) & 0x8D5) | (roll(writer, 16) == 0 ? 1 << 18 : 0);
}

static void noise(struct writer *writer) {
    struct sequence *sequence = writer->sequence;
    struct context *start = &sequence->start;
    for (sequence->length = 0; sequence->length < 64;) emit(writer, (uint8_t)(next_random(&writer->random) >> 40));
    // Half of them after a byte 0Fh, which alone would be rare.
    if (roll(writer, 2)) sequence->code[roll(writer, 3)] = 0x0F;
    sequence->noise = true;
    sequence->dr7 &= ~DATA_BREAKPOINTS;
    sequence->steps = 12;
    sequence->cr4 |= 1 << 2;  // no RDTSC
    for (int i = 0; i < 16; i++)
        if (i != RSP && roll(writer, 2)) start->gpr[i] = DATA + roll(writer, 0x2000);
    uint32_t mode = roll(writer, 4);
    if (mode >= 2) return;
    start->cs = mode ? USER_CODE32 : USER_CODE16;
    if (mode) return;
    // QEMU stops for ever at an instruction breakpoint where the code segment's base is not 0.
    sequence->dr7 = 0x400;
    start->rip = 0;
    start->ss = start->ds = start->es = USER_DATA16;
    for (int i = 0; i < 16; i++) start->gpr[i] &= 0xFFFF;
}

void generate(struct sequence *sequence, uint64_t seed, uint64_t index) {
    struct writer writer = {sequence, (seed + 1) * 0x9E3779B97F4A7C15 ^ (index + 1) * 0xD1342543DE82EF95};
    next_random(&writer.random);
    memset(sequence, 0, sizeof *sequence);
    sequence->cr4 = 0x506A8;
    sequence->dr7 = 0x400;
    uint32_t kind = roll(&writer, 8);
    bool user = kind >= 4;
    start_state(&writer, user);
    for (int i = 0; i < 4; i++) sequence->dr[i] = roll(&writer, 2) ? DATA + (roll(&writer, 64) & ~7u) : CODE + roll(&writer, 64);
    sequence->watched = roll(&writer, 8) == 0;
    if (sequence->watched) sequence->dr7 |= next_random(&writer.random) & 0xFFFF03FF;
    if (kind >= 6) {
        noise(&writer);
    } else {
        if (user && roll(&writer, 4) == 0) sequence->cr4 |= 3 << 20;  // SMEP, SMAP
        if (user && roll(&writer, 4) == 0) sequence->start.rflags |= 3 << 12;
        if (roll(&writer, 4) == 0 && cpuid(7, 0).ecx & 1 << 2) sequence->cr4 |= 1 << 11;  // UMIP
        if (kind & 1) sequence->steps = 24;
        if (sequence->steps) sequence->dr7 &= ~DATA_BREAKPOINTS;
        sequence->exits = EXITS_ARE_STEPPED || (!sequence->steps && roll(&writer, 2));
        for (uint32_t count = 2 + roll(&writer, 10); count; count--)
            switch (roll(&writer, 4)) {
            case 0: emit_system(&writer); break;
            case 1: emit_plain(&writer); break;
            default: emit_form(&writer);
            }
        EMIT(&writer, "\x0F\x0B");
    }
    if (sequence->steps) sequence->start.rflags |= 1 << 8;
    // At a single step QEMU notes in DR6 a breakpoint on the next instruction, enabled or not, which processors do not.
    for (int i = 0; sequence->steps && i < 4; i++) sequence->dr[i] = DATA + (sequence->dr[i] & 0x38);
}
