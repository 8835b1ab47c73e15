// Executes one sequence from a known state, and sums up what it left: registers, memory, descriptors, page tables.
#include "tables.h"

enum { CR4_START = 0x406A8 | 1 << 16, CR0_START = 0x80010033 };  // DE, PAE, PGE, OSFXSR, OSXMMEXCPT, FSGSBASE, OSXSAVE
enum { EFER = 0xC0000080 };

const uint32_t saved_msrs[] = {0xC0000100, 0xC0000101, 0xC0000102, 0xC0000081, 0xC0000082, 0xC0000083, 0xC0000084,
                               0x174,      0x175,      0x176,      0x277,      0xC0000103, EFER,       APIC_DIVIDE,
                               APIC_LVT_TIMER};
const size_t saved_msr_count = sizeof saved_msrs / sizeof *saved_msrs;
static const uint64_t msr_start[] = {DATA + 0x100, DATA + 0x200, DATA + 0x300, 0x30ull << 48 | 8ull << 32, 0, 0, 0x700,
                                     8,            0,            0,            0x0007040600070406, 7, 0xD01, 11,
                                     1 << 16};
static uint64_t components;  // of XCR0
static uint8_t constants[3][4096];
static _Alignas(64) uint8_t extended[1088], extended_start[1088];
static struct controls end;

static void write_xcr0(uint64_t value) { asm volatile("xsetbv" ::"c"(0), "a"((uint32_t)value), "d"(0)); }
static void save_extended(uint8_t *area) {
    asm volatile("xsave64 (%0)" ::"r"(area), "a"((uint32_t)components), "d"(0) : "memory");
}

void sandbox_start(void) {
    tables_build();
    uint64_t random = 0x5EED;
    for (size_t i = 0; i < sizeof constants; i += 8) *(uint64_t *)&constants[0][i] = next_random(&random);
    memcpy(pages[3], constants[2], 4096);
    write_cr4(CR4_START);
    components = cpuid(0xD, 0).eax & 7;
    write_xcr0(components);
    for (size_t i = 0; i < 512; i++) extended_start[i] = (uint8_t)next_random(&random);
    *(uint16_t *)extended_start = 0x37F;
    memset(extended_start + 2, 0, 22);
    *(uint32_t *)(extended_start + 24) = 0x1F80;
    memset(extended_start + 28, 0, 4);
    for (size_t i = 0; i < 8; i++) memset(extended_start + 32 + i * 16 + 10, 0, 6);
    memset(extended_start + 416, 0, 96);
    *(uint64_t *)(extended_start + 512) = components;
    for (size_t i = 576; i < 832; i++) extended_start[i] = (uint8_t)next_random(&random);
}

/// Everything as a sequence finds it. The order matters: what the later ones need comes first.
static void restore(const struct sequence *sequence) {
    struct table_pointer global = global_pointer(), interrupts = interrupt_pointer();
    write_dr7(0x400);
    write_cr4(CR4_START);
    write_cr0(CR0_START);
    tables_reset();
    asm volatile("lgdt %0\n\tlidt %1" ::"m"(global), "m"(interrupts));
    asm volatile("ltr %w0\n\tlldt %w1" ::"r"(TASK_STATE), "r"(LOCAL_TABLE));
    write_xcr0(components);
    asm volatile("xrstor64 (%0)" ::"r"(extended_start), "a"((uint32_t)components), "d"(0) : "memory");
    asm volatile("movw %w0, %%fs\n\tmovw %w1, %%gs" ::"r"((uint32_t)sequence->start.fs), "r"((uint32_t)sequence->start.gs));
    for (size_t i = 0; i < saved_msr_count; i++) {
        uint64_t value = msr_start[i];
        if (saved_msrs[i] == 0xC0000082 || saved_msrs[i] == 0xC0000083 || saved_msrs[i] == 0x176) value = (uint64_t)landing;
        wrmsr(saved_msrs[i], value);
    }
    write_cr8(0);
    write_cr2(0);
    write_dr0(sequence->dr[0]);
    write_dr1(sequence->dr[1]);
    write_dr2(sequence->dr[2]);
    write_dr3(sequence->dr[3]);
    write_dr6(0);
    memcpy(pages[0], sequence->code, sizeof sequence->code);
    memcpy(pages[1], constants[0], 4096);
    memcpy(pages[2], constants[1], 4096);
    write_cr3(root_table());
    write_cr4(sequence->cr4);
    write_dr7(sequence->dr7);
}

static void collect(void) {
    uint64_t value;
    struct table_pointer table;
    end.dr7 = read_dr7();
    write_dr7(0x400);
    end.cr0 = read_cr0();
    end.cr2 = read_cr2();
    end.cr3 = read_cr3();
    end.cr4 = read_cr4();
    end.cr8 = read_cr8();
    end.dr6 = read_dr6();
    end.dr[0] = read_dr0();
    end.dr[1] = read_dr1();
    end.dr[2] = read_dr2();
    end.dr[3] = read_dr3();
    write_cr0(CR0_START);
    write_cr4(CR4_START);
    uint32_t low, high;
    asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    end.xcr0 = (uint64_t)high << 32 | low;
    write_xcr0(components);
    save_extended(extended);
    asm volatile("sgdt %0" : "=m"(table));
    end.gdt_base = table.base;
    end.gdt_limit = table.limit;
    asm volatile("sidt %0" : "=m"(table));
    end.idt_base = table.base;
    end.idt_limit = table.limit;
    asm volatile("str %0" : "=r"(value));
    end.tr = value & 0xFFFF;
    asm volatile("sldt %0" : "=r"(value));
    end.ldtr = value & 0xFFFF;
    for (size_t i = 0; i < saved_msr_count; i++) end.msr[i] = rdmsr(saved_msrs[i]);
}

static uint64_t sum_words(uint64_t sum, const volatile void *words, size_t bytes) {
    for (const volatile uint64_t *at = words; bytes >= 8; bytes -= 8) sum = mix(sum, *at++);
    return sum;
}

/// What must not be executed at random: its result is no property of the machine's state, or the trap flag would be gone.
/// CPUID and RDTSC may; their answers are blotted out behind them.
enum kind { PLAIN, IDENTIFIES, TELLS_TIME, FORBIDDEN };
static enum kind classify(const uint8_t *at) {
    const uint8_t *first = at;
    for (int i = 0; i < 14; i++, at++) {
        uint8_t b = *at;
        bool prefix = b == 0x66 || b == 0x67 || b == 0xF0 || b == 0xF2 || b == 0xF3 || b == 0x2E || b == 0x36 ||
                      b == 0x3E || b == 0x26 || b == 0x64 || b == 0x65 || (b & 0xF0) == 0x40;
        if (prefix) continue;
        if (b == 0x9D || b == 0xCF || b == 0x17) return FORBIDDEN;
        // MOV to SS; QEMU takes segment registers 6 and 7, which do not exist, for LDTR and the task register, and with
        // REX.R, which processors ignore there, others for GDTR, IDTR and what lies behind them.
        uint8_t segment = (at[1] >> 3 & 7) | (at > first && (at[-1] & 0xF4) == 0x44 ? 8 : 0);
        if (b == 0x8E && (segment == 2 || segment >= 6)) return FORBIDDEN;
        // QEMU ends itself over VPINSR of 256 bits or without its prefix, which is undefined.
        if (b == 0xC5 && (at[1] & 7) != 1 && at[2] == 0xC4) return FORBIDDEN;
        bool inserts = (at[1] & 0x1F) == 1 ? at[3] == 0xC4 : (at[1] & 0x1F) == 3 && at[3] >= 0x20 && at[3] <= 0x22;
        if (b == 0xC4 && (at[2] & 7) != 1 && inserts) return FORBIDDEN;
        if (b != 0x0F) return PLAIN;
        if (at[1] == 0xC7 && at[2] >= 0xF0) return FORBIDDEN;  // RDRAND, RDSEED
        // QEMU's SYSENTER in compatibility mode, which AMD does not have, makes a code segment that no VMRUN takes.
        if (at[1] == 0x34 && !is_checked()) return FORBIDDEN;
        // Nor does it refuse a base that is not canonical (WRFSBASE, WRGSBASE).
        if (at[1] == 0xAE && at[2] >= 0xD0 && at[2] < 0xE0 && !is_checked()) return FORBIDDEN;
        // VMRUN and its kind, Intel's VMCALL: see differences.yaml.
        if (at[1] == 0x01 && ((at[2] >= 0xD8 && at[2] <= 0xDF) || (at[2] == 0xC1 && is_checked()))) return FORBIDDEN;
        if (at[1] == 0x31 || (at[1] == 0x01 && at[2] == 0xF9)) return TELLS_TIME;
        bool exits = at[1] == 0xA2 || at[1] == 0x08 || at[1] == 0x09;
        // QEMU's processor does not tell how long an instruction was: behind a prefix the guest resumes too early.
        return !exits ? PLAIN : !EXITS_ARE_STEPPED || at != first ? FORBIDDEN : at[1] == 0xA2 ? IDENTIFIES : PLAIN;
    }
    return PLAIN;
}

/// Prints what has changed since the last time.
static void show_context(const char *when, const volatile struct context *c) {
    static const char *const names[] = {"rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp", "r8", "r9", "r10", "r11", "r12",
                                        "r13", "r14", "r15", "rip", "cs", "rflags", "ss", "ds", "es", "fs", "gs", "vector", "error"};
    static uint64_t last[sizeof names / sizeof *names];
    const volatile uint64_t *now = c->gpr;
    print("@state %s", when);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (now[i] != last[i] || when[0] == 's') print(" %s=%lx", names[i], now[i]);
        last[i] = now[i];
    }
    print(" dr6=%lx\n", read_dr6());
}
static void show_end(void) {
    print("@end cr0=%lx cr2=%lx cr3=%lx cr4=%lx cr8=%lx xcr0=%lx dr0=%lx dr1=%lx dr2=%lx dr3=%lx dr6=%lx dr7=%lx", end.cr0,
          end.cr2, end.cr3, end.cr4, end.cr8, end.xcr0, end.dr[0], end.dr[1], end.dr[2], end.dr[3], end.dr6, end.dr7);
    print(" gdt=%lx:%lx idt=%lx:%lx tr=%lx ldtr=%lx", end.gdt_base, end.gdt_limit, end.idt_base, end.idt_limit, end.tr,
          end.ldtr);
    for (size_t i = 0; i < saved_msr_count; i++) print(" msr%x=%lx", saved_msrs[i], end.msr[i]);
    print(" extended=%lx memory=%lx tables=%lx\n", sum_words(0, extended, 832), sum_words(0, pages, sizeof pages),
          tables_sum(0));
}

uint64_t sandbox_run(const struct sequence *sequence, bool show) {
    struct context now = sequence->start;
    uint64_t sum = 0;
    restore(sequence);
    if (show) show_context("start", &now);
    for (uint32_t step = 0;; step++) {
        enum kind kind = PLAIN;
        if (sequence->steps) {
            // Outside of the code page nothing can be executed.
            uint64_t linear = now.cs == USER_CODE16 ? CODE + (now.rip & 0xFFFF) : now.rip;
            if (linear >= CODE && linear < CODE + 4080) kind = classify(pages[0] + (linear - CODE));
            if (linear >= CODE + 4080 && linear < CODE + 4096) kind = FORBIDDEN;
            if (sequence->noise && kind == FORBIDDEN) break;
        }
        enter(&now);
        bool stepped = after.vector == 1 && step + 1 < sequence->steps;
        // This program's own code is not stepped.
        if (after.rip < (uint64_t)image_end || (sequence->noise && !(after.cs & 3))) stepped = false;
        if (kind == IDENTIFIES) after.gpr[RBX] = after.gpr[RCX] = 0;
        if (kind == IDENTIFIES || kind == TELLS_TIME) after.gpr[RAX] = after.gpr[RDX] = 0;
        if (show) show_context(stepped ? "then" : "end", &after);
        sum = sum_words(sum, &after, sizeof after);
        if (!stepped) break;
        sum = mix(sum, read_dr6());
        write_dr6(0);
        now = *(const struct context *)&after;
    }
    collect();
    if (show) show_end();
    sum = sum_words(sum, &end, sizeof end);
    sum = sum_words(sum, extended, 832);
    sum = sum_words(sum, pages, sizeof pages);
    return tables_sum(sum);
}
