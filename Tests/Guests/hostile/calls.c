// (g) Calls and doors of other hypervisors, each with what would do harm there: a neighbour's APIC id, memory, or the machine.
// This one has none of them.
#include "attack.h"

asm(".text\ncall_amd: .byte 0x0F, 0x01, 0xD9\n jmp probe_done\ncall_intel: .byte 0x0F, 0x01, 0xC1\n jmp probe_done\n"
    "call_backdoor: inl %dx, %eax\n jmp probe_done\n");
extern const char call_amd[], call_intel[], call_backdoor[];

#define NEIGHBOUR 0x20000000ull
static const struct {
    const char *name;
    struct registers r;
} calls[] = {
    {"kvm-kick", {.rax = 5, .rbx = 0, .rcx = 0}},  // wakes a processor by its APIC id: the first one is not ours
    {"kvm-clock-pairing", {.rax = 9, .rbx = NEIGHBOUR}},
    {"kvm-send-ipi", {.rax = 10, .rbx = ~0ull, .rcx = ~0ull, .rdx = 0, .rsi = 0x4400}},  // NMIs to 128 processors
    {"kvm-yield", {.rax = 11, .rbx = 0}},
    {"kvm-map-range", {.rax = 12, .rbx = NEIGHBOUR, .rcx = 16, .rdx = 0x10}},
    {"xen-memory", {.rax = 12, .rdi = 11, .rsi = NEIGHBOUR}},
    {"xen-sched-shutdown", {.rax = 29, .rdi = 2, .rsi = 0x100000}},
    {"xen-grant-table", {.rax = 20, .rdi = 0, .rsi = NEIGHBOUR, .rdx = 1}},
    {"xen-domctl", {.rax = 36, .rdi = 0x100000}},
    {"hyperv-send-ipi", {.rcx = 0x1000B, .rdx = 0x1000000FEull, .r8 = ~0ull}},
    {"hyperv-flush", {.rcx = 0x10002, .rdx = 0, .r8 = 3}},
    {"hyperv-map-pages", {.rcx = 0x1004B, .rdx = NEIGHBOUR, .r8 = NEIGHBOUR}},
    {"hyperv-post-message", {.rcx = 0x1005C, .rdx = 1}},
    {"vmware-by-call", {.rax = 0x564D5868, .rbx = 0, .rcx = 10, .rdx = 0x5658}},
    {"jailhouse-cell-destroy", {.rax = 3, .rdi = 0, .rbx = 0}},
    {"acrn-create-vm", {.rax = 0, .r8 = 0x80000010, .rdi = 0x100000}},
    {"own-loader", {.rax = 0x42554C4B, .rbx = 0, .rcx = 0x100000}},
};
static const struct {
    const char *name;
    uint64_t command;
    uint16_t port;
} doors[] = {{"version", 10, 0x5658}, {"clipboard", 6, 0x5658}, {"memory-size", 20, 0x5658}, {"message", 30, 0x5659}};

void attack_calls(const char *argument) {
    (void)argument;
    const char *code = cpuid(0, 0).ebx == 0x756E6547 ? call_intel : call_amd;
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        char attempted[40];
        format_into(attempted, sizeof attempted, "call-%s", calls[i].name);
        announce(attempted, "");
        int vector = probe_run(code, &calls[i].r);
        bool kept = probe_after.rbx == calls[i].r.rbx && probe_after.rcx == calls[i].r.rcx && probe_after.rdx == calls[i].r.rdx &&
                    probe_after.rdi == calls[i].r.rdi && probe_after.rsi == calls[i].r.rsi && probe_after.r8 == calls[i].r.r8;
        attempt(attempted, "%s,%s,%lx", vector < 0 && probe_after.rax == -1000ull ? "unknown" : "answered",
                kept ? "kept" : "changed", probe_after.rax);
    }
    for (size_t i = 0; i < sizeof doors / sizeof doors[0]; i++) {
        char attempted[40];
        format_into(attempted, sizeof attempted, "backdoor-%s", doors[i].name);
        announce(attempted, "");
        struct registers r = {.rax = 0x564D5868, .rbx = 0x1234, .rcx = doors[i].command, .rdx = doors[i].port};
        int vector = probe_run(call_backdoor, &r);
        bool kept = probe_after.rbx == r.rbx && probe_after.rcx == r.rcx && probe_after.rdx == r.rdx;
        attempt(attempted, "%s,%s,%s", vector < 0 && (uint32_t)probe_after.rax == ~0u ? "ones" : "answered",
                kept ? "kept" : "changed", vector_name(vector));
    }
}
