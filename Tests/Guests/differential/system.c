// What privileged code executes: system registers, descriptors, calls and returns between privileges, and the rest that a
// hypervisor has to do with. Executed without privilege as well.
#include "differential.h"

bool is_checked(void) {
    static uint32_t vendor;
    if (!vendor) vendor = cpuid(0, 0).ebx;
    return vendor == 0x756E6547;  // "Genu": the emulated Intel machine
}

/// WRMSR, and RDMSR of what came of it.
static void emit_msr(struct writer *writer) {
    static const uint32_t msrs[] = {0xC0000081, 0xC0000084, 0xC0000100, 0xC0000101, 0xC0000102, 0xC0000103,
                                    0x174,      0x175,      0x277,      0xC0000082, 0xC0000083, 0x176};
    uint32_t msr = msrs[roll(writer, sizeof msrs / sizeof *msrs)];
    uint64_t value = roll_value(writer);
    if (msr == 0xC0000082 || msr == 0xC0000083 || msr == 0x176) value = roll(writer, 4) ? (uint64_t)landing : ABSENT;
    // SYSCALL clears the trap flag.
    if (msr == 0xC0000084) value |= 0x700;
    if (!is_checked() && msr != 0xC0000081 && msr != 0x174 && msr != 0xC0000084) value = (uint64_t)((int64_t)(value << 16) >> 16);
    if (msr == 0xC0000103) value = (uint32_t)value;
    if (msr == 0x277) value = 0x0007040600070406 ^ (roll(writer, 2) ? 0x0501ull << 8 * roll(writer, 6) : 0);
    emit_load(writer, 1, msr);
    emit_load(writer, 0, (uint32_t)value);
    emit_load(writer, 2, value >> 32);
    EMIT(writer, "\x0F\x30");
    if (roll(writer, 2)) EMIT(writer, "\x0F\x32");
}

/// MOV to a control register with some of its bits changed, or from one.
static void emit_control(struct writer *writer) {
    // The last ones of each are refused in this state. QEMU takes them, and refuses the guest that has them: NW without CD too, to
    // which both lead behind CD alone.
    static const uint32_t cr0_bits[] = {1 << 1, 1 << 2, 1 << 3, 1 << 5, 1 << 16, 1 << 18, 1 << 30, 3u << 29, 1 << 29, 1u << 31, 1};
    static const uint32_t cr4_bits[] = {1 << 2, 1 << 3, 1 << 4, 1 << 7, 1 << 8, 1 << 9, 1 << 10, 1 << 11, 1 << 16,
                                        1 << 18, 1 << 20, 1 << 21, 1 << 5};
    uint32_t bits;
    switch (roll(writer, 6)) {
    case 0:
        bits = cr0_bits[roll(writer, is_checked() ? 11 : 7)];
        EMIT(writer, "\x0F\x20\xC0\x35");  // MOV RAX, CR0; XOR EAX, bits; MOV CR0, RAX
        emit_value(writer, bits, 4);
        EMIT(writer, "\x0F\x22\xC0");
        if (!is_checked() || bits != 1 << 5) break;
        // An x87 error with NE clear comes to something else (`x87-error-without-ne`).
        EMIT(writer, "\x35");
        emit_value(writer, bits, 4);
        EMIT(writer, "\x0F\x22\xC0");
        break;
    case 1:
        EMIT(writer, "\x0F\x20\xE0\x35");
        emit_value(writer, cr4_bits[roll(writer, is_checked() ? 13 : 12)], 4);
        EMIT(writer, "\x0F\x22\xE0");
        break;
    case 2: EMIT(writer, "\x0F\x20\xD9\x0F\x22\xD9"); break;  // CR3, by RCX
    case 3:
        emit_load(writer, 0, roll_value(writer));
        EMIT(writer, "\x0F\x22\xD0\x0F\x20\xD2");  // CR2
        break;
    case 4:
        emit_load(writer, 0, roll(writer, 20));
        EMIT(writer, "\x44\x0F\x22\xC0\x44\x0F\x20\xC2");  // CR8
        break;
    default:
        EMIT(writer, "\x0F\x20");  // from any, those that do not exist too
        emit(writer, (uint8_t)(0xC0 | roll(writer, 8) << 3 | roll(writer, 3)));
    }
}

static void emit_debug(struct writer *writer) {
    uint32_t number = roll(writer, 8);
    if (roll(writer, 2)) {
        EMIT(writer, "\x0F\x21");
        emit(writer, (uint8_t)(0xC0 | number << 3 | roll(writer, 3)));
        return;
    }
    uint64_t value = (roll(writer, 2) || writer->sequence->steps ? DATA : CODE) + roll(writer, 256);
    if (number >= 4) value = next_random(&writer->random) & (roll(writer, 4) ? 0xFFFFDFFF : ~(1ull << 13));
    // Bochs clears these bits of DR6 with the next #DB; silicon never does (SDM volume 3, section 17.2.3).
    if (is_checked() && (number == 4 || number == 6)) value &= ~0xE000ull;
    if (number == 5 || number == 7) {
        writer->sequence->watched = true;
        if (writer->sequence->steps) value &= ~DATA_BREAKPOINTS;
    }
    emit_load(writer, 0, value);
    EMIT(writer, "\x0F\x23");
    emit(writer, (uint8_t)(0xC0 | number << 3));
}

static void emit_selector(struct writer *writer) {
    static const uint16_t selectors[] = {0, 3, DATA0, USER_DATA, DATA16, NOT_PRESENT, CODE64, CODE32, CONFORMING, READ_ONLY,
                                         TASK_STATE, CALL_GATE, LOCAL_TABLE, 4, 7, 12, 20, 0xFF8, 0xA0};
    uint16_t selector = selectors[roll(writer, sizeof selectors / 2)];
    uint32_t what = roll(writer, 12);
    // QEMU takes a null selector for LTR, and gives up at the next exception.
    if (what == 11 && !is_checked() && selector <= 3) selector = TASK_STATE;
    emit_load(writer, 0, selector);
    switch (what) {
    case 0: EMIT(writer, "\x8E\xD8"); break;
    case 1: EMIT(writer, "\x8E\xC0"); break;
    case 2: EMIT(writer, "\x8E\xE0"); break;
    case 3: EMIT(writer, "\x8E\xE8"); break;
    case 4: EMIT(writer, "\x8E\xD0"); break;
    case 5: EMIT(writer, "\x50\x0F\xA1"); break;            // PUSH RAX, POP FS
    case 6: EMIT(writer, "\x0F\x02\xD0"); break;            // LAR EDX
    case 7: EMIT(writer, "\x0F\x03\xD0"); break;            // LSL
    case 8: EMIT(writer, "\x0F\x00\xE0"); break;            // VERR
    case 9: EMIT(writer, "\x0F\x00\xE8"); break;            // VERW
    case 10: EMIT(writer, "\x0F\x00\xD0"); break;           // LLDT
    default: EMIT(writer, "\x0F\x00\xD8");                  // LTR
    }
}

/// Some of these flags, and bit 1.
static uint64_t roll_flags(struct writer *writer, uint64_t possible) {
    if (writer->sequence->exits && !EXITS_ARE_STEPPED) possible &= ~0x100ull;
    return 2 | (next_random(&writer->random) & possible);
}

/// Far transfers to the instructions behind them, in one mode or another, with a frame that is written first.
static void emit_transfer(struct writer *writer) {
    static const uint16_t codes[] = {CODE64, USER_CODE64, CODE32, USER_CODE32, CONFORMING, NOT_PRESENT, DATA0, 0};
    static const uint16_t stacks[] = {DATA0, USER_DATA, 0, 3, NOT_PRESENT, CODE64};
    uint32_t code = roll(writer, 2), stack = code;
    if (roll(writer, 3) == 0) code = roll(writer, 8), stack = roll(writer, 6);
    uint64_t here = CODE + writer->sequence->length;
    switch (roll(writer, 4)) {
    case 0: {
        // PUSH SS, RSP, RFLAGS, CS, RIP; IRETQ. Each PUSH of a constant takes five bytes.
        uint64_t flags = (roll(writer, 4) == 0 ? roll_flags(writer, 0x54DD5) : 2) | (writer->sequence->steps ? 0x100 : 0);
        uint64_t frame[] = {stacks[stack], STACK + 0x700, flags, codes[code], here + 27};
        for (int i = 0; i < 5; i++) emit(writer, 0x68), emit_value(writer, frame[i], 4);
        EMIT(writer, "\x48\xCF");
        break;
    }
    case 1:
        emit(writer, 0x68), emit_value(writer, codes[code], 4);
        emit(writer, 0x68), emit_value(writer, here + 12, 4);
        EMIT(writer, "\x48\xCB");  // RETF
        break;
    case 2:
        // SYSRET: ECX and R11 first. Five, six and three bytes.
        emit_load(writer, 1, here + 14);
        emit_load(writer, 11, 0x202 | (writer->sequence->steps ? 0x100 : 0));
        EMIT(writer, "\x48\x0F\x07");
        break;
    default:
        // CALL FAR or JMP FAR through a pointer in the data: MOV m32, MOV m16, then the transfer.
        EMIT(writer, "\xC7\x43\x40"), emit_value(writer, here + 17, 4);
        EMIT(writer, "\x66\xC7\x43\x44"), emit_value(writer, roll(writer, 3) ? codes[code] : CALL_GATE, 2);
        EMIT(writer, "\x48\xFF"), emit(writer, (uint8_t)(roll(writer, 2) ? 0x5B : 0x6B)), emit(writer, 0x40);
    }
    // In 32-bit code constants of eight bytes would be instructions: after a few of its own the sequence ends.
    if (codes[code] == CODE32 || codes[code] == USER_CODE32) EMIT(writer, "\x40\x50\x9C\x5A\x0E\x0F\x0B");
}

static void emit_tables(struct writer *writer) {
    switch (roll(writer, 6)) {
    case 0: EMIT(writer, "\x0F\x01\x03\x0F\x01\x13"); break;              // SGDT [RBX]; LGDT [RBX]
    case 1: EMIT(writer, "\x0F\x01\x0F\x0F\x01\x1F"); break;              // SIDT [RDI]; LIDT [RDI]
    case 2: EMIT(writer, "\x0F\x01\xE0\x66\x0F\x01\x63\x10"); break;      // SMSW
    case 3: EMIT(writer, "\x0F\x00\xC8\x0F\x00\x43\x12"); break;          // STR, SLDT
    case 4:
        emit_load(writer, 0, roll(writer, 16));
        EMIT(writer, "\x0F\x01\xF0");  // LMSW
        break;
    default: EMIT(writer, "\x0F\x06");  // CLTS
    }
}

static void emit_extended(struct writer *writer) {
    switch (roll(writer, 6)) {
    case 0:
        emit_load(writer, 1, roll(writer, 8) ? 0 : 1 + roll(writer, 2));
        emit_load(writer, 0, roll(writer, 3) ? roll(writer, 8) : (uint32_t)next_random(&writer->random));
        emit_load(writer, 2, roll(writer, 6) == 0);
        EMIT(writer, "\x0F\x01\xD1");  // XSETBV
        break;
    case 1: EMIT(writer, "\x31\xC9\x0F\x01\xD0"); break;  // XGETBV
    case 2:
        emit_load(writer, 0, roll(writer, 8));
        emit_load(writer, 2, 0);
        EMIT(writer, "\x48\x81\xE7\xC0\xFF\xFF\xFF\x0F\xAE\x27");  // AND RDI, -64; XSAVE
        break;
    case 3: EMIT(writer, "\x48\x81\xE7\xF0\xFF\xFF\xFF\x48\x0F\xAE\x07"); break;  // FXSAVE
    case 4: EMIT(writer, "\x0F\xAE\x5B\x20\x0F\xAE\x53\x20"); break;              // STMXCSR, LDMXCSR
    default: EMIT(writer, "\xDB\xE3\x9B");                                          // FNINIT, FWAIT
    }
}

/// What exits and continues behind the instruction.
static void emit_exit(struct writer *writer) {
    switch (roll(writer, writer->sequence->watched ? 5 : 6)) {
    case 0: EMIT(writer, "\x0F\x09"); break;  // WBINVD
    case 1: EMIT(writer, "\x0F\x08"); break;  // INVD
    case 2: EMIT(writer, "\xE5\xE0"); break;  // IN
    case 3: EMIT(writer, "\xE7\xE0"); break;  // OUT
    case 4: EMIT(writer, "\xBA\xE0\x00\x00\x00\xEC"); break;
    default: EMIT(writer, "\x0F\xA2\x31\xC0\x31\xD2\x31\xC9\xBB\x00\x10\x00\x40");  // CPUID, its answer blotted out
    }
}

static void emit_rest(struct writer *writer) {
    enum { TIMED = 2 };
    const struct { const char *bytes; uint32_t count; } all[] = {
        // First what no machine's state decides, so that a sequence with breakpoints can leave it out.
        {"\x0F\x31\x31\xC0\x31\xD2", 6}, {"\x0F\x01\xF9\x31\xC0\x31\xD2", 7},  // RDTSC, RDTSCP, blotted out
        {"\x0F\x05", 2}, {"\x0F\x34", 2}, {"\xCC", 1},                               // SYSCALL, SYSENTER, INT3
        {"\xCD\x04", 2}, {"\xCD\x80", 2}, {"\xCD\x21", 2}, {"\xF1", 1},
        {"\x0F\x01\xF8", 3}, {"\xFA", 1}, {"\xFB", 1}, {"\x0F\x01\x3B", 3}, {"\x0F\x01\x7B\x10", 4},  // SWAPGS, CLI, STI, INVLPG
        {"\x0F\x01\xCB", 3}, {"\x0F\x01\xCA", 3},                                  // STAC, CLAC
        {is_checked() ? "\x0F\x01\xD9" : "\x0F\x01\xC1", 3},                       // VMMCALL, VMCALL: of the other vendor
        {"\x0F\x01\xEE", 3}, {"\x0F\x01\xEF", 3},                                  // RDPKRU, WRPKRU
        {"\xF3\x0F\xC7\xF8", 4}, {"\xF3\x48\x0F\xAE\xC0", 5}, {"\xF3\x48\x0F\xAE\xC8", 5},  // RDPID, RDFSBASE, RDGSBASE
        {"\x48\x63\xD2\xF3\x48\x0F\xAE\xD2", 8},                                     // MOVSXD RDX, EDX; WRFSBASE RDX
        {"\x0F\xAE\x3B", 3}, {"\xF3\x90", 2}, {"\x0F\xAA", 2}, {"\x0F\x37", 2},  // CLFLUSH, PAUSE, RSM, GETSEC
    };
    struct sequence *sequence = writer->sequence;
    if (sequence->exits && roll(writer, 6) == 0) return emit_exit(writer);
    uint32_t chosen = roll(writer, sizeof all / sizeof *all + 1);
    if (chosen < TIMED && sequence->watched && !sequence->steps) chosen = TIMED;
    if (chosen < sizeof all / sizeof *all) return emit_all(writer, all[chosen].bytes, all[chosen].count);
    // PUSH of flags, POPF.
    emit(writer, 0x68), emit_value(writer, roll_flags(writer, 0x257DD5), 4);
    EMIT(writer, "\x9D");
}

void emit_system(struct writer *writer) {
    switch (roll(writer, 9)) {
    case 0: emit_msr(writer); break;
    case 1: emit_control(writer); break;
    case 2: emit_debug(writer); break;
    case 3: emit_selector(writer); break;
    case 4: emit_transfer(writer); break;
    case 5: emit_tables(writer); break;
    case 6: emit_extended(writer); break;
    default: emit_rest(writer);
    }
}
