// (d) CPUID: no bit that tells of something refused, and no leaf that answers beyond its end.
#include "attack.h"

static const struct {
    const char *name;
    uint32_t leaf, subleaf;
    int reg;  // 0 EAX .. 3 EDX
    uint32_t mask;
} refused[] = {
    {"svm", 0x80000001, 0, 2, 1u << 2},           {"vmx", 1, 0, 2, 1u << 5},
    {"smx", 1, 0, 2, 1u << 6},                    {"monitor", 1, 0, 2, 1u << 3},
    {"tsc-deadline", 1, 0, 2, 1u << 24},          {"pdcm", 1, 0, 2, 1u << 15},
    {"dtes-dscpl", 1, 0, 2, 1u << 2 | 1u << 4},   {"mce", 1, 0, 3, 1u << 7},
    {"mca", 1, 0, 3, 1u << 14},                   {"mtrr", 1, 0, 3, 1u << 12},
    {"thermal", 1, 0, 3, 1u << 22 | 1u << 29},    {"tsc-adjust", 7, 0, 1, 1u << 1},
    {"sgx", 7, 0, 1, 1u << 2},                    {"qos", 7, 0, 1, 1u << 12 | 1u << 15},
    {"trace", 7, 0, 1, 1u << 25},                 {"la57", 7, 0, 2, 1u << 16},
    {"tme", 7, 0, 2, 1u << 13},
    {"waitpkg", 7, 0, 2, 1u << 5},                {"leaf7-edx", 7, 0, 3, ~(1u << 4 | 1u << 10 | 3u << 26 | 1u << 31)},
    {"osvw", 0x80000001, 0, 2, 1u << 9},          {"ibs", 0x80000001, 0, 2, 1u << 10},
    {"skinit", 0x80000001, 0, 2, 1u << 12},       {"wdt", 0x80000001, 0, 2, 1u << 13},
    {"lwp", 0x80000001, 0, 2, 1u << 15},          {"perfctr", 0x80000001, 0, 2, 3u << 23 | 1u << 28},
    {"mwaitx", 0x80000001, 0, 2, 1u << 29},       {"invlpgb", 0x80000008, 0, 1, 1u << 3},
    {"bandwidth", 0x80000008, 0, 1, 1u << 6},
    {"rdpru", 0x80000008, 0, 1, 1u << 4},         {"sev", 0x8000001F, 0, 0, ~0u},
};
static void refused_bits(void) {
    uint32_t set = 0, count = sizeof refused / sizeof refused[0];
    for (uint32_t i = 0; i < count; i++) {
        struct cpuid r = cpuid(refused[i].leaf, refused[i].subleaf);
        const uint32_t words[4] = {r.eax, r.ebx, r.ecx, r.edx};
        if (cpuid(refused[i].leaf & 0x80000000, 0).eax < refused[i].leaf || !(words[refused[i].reg] & refused[i].mask))
            continue;
        set++;
        finding("cpuid-refused", "%s=%x", refused[i].name, words[refused[i].reg] & refused[i].mask);
    }
    attempt("cpuid-refused", "%u-of-%u-set", set, count);
}
static void leaf_zero(const char *name, uint32_t first, uint32_t last) {
    uint32_t any = 0;
    for (uint32_t leaf = first; leaf <= last; leaf++)
        for (uint32_t subleaf = 0; subleaf < 4; subleaf++) {
            struct cpuid r = cpuid(leaf, subleaf);
            if (!(r.eax | r.ebx | r.ecx | r.edx)) continue;
            any++;
            finding(name, "leaf=%08x.%u %08x %08x %08x %08x", leaf, subleaf, r.eax, r.ebx, r.ecx, r.edx);
        }
    attempt(name, "%u-nonzero", any);
}
// Cores that exist on the machine but not here must not be counted.
static void topology(void) {
    uint32_t ours = machine.processor_count, logical = cpuid(1, 0).ebx >> 16 & 0xFF, level = cpuid(0xB, 1).ebx & 0xFFFF;
    bool held = logical <= ours && level <= ours;
    attempt("cpuid-topology", "%s,%u-own,leaf1=%u,leafB=%u", held ? "own-only" : "others-too", ours, logical, level);
}
// Strange leaves: each must come back at once with something.
static void strange(void) {
    uint64_t seed = 77, sum = 0;
    for (uint32_t i = 0; i < 20000; i++) {
        struct cpuid r = cpuid((uint32_t)next_random(&seed), (uint32_t)next_random(&seed));
        sum += r.eax;
    }
    attempt("cpuid-random", "20000-answers,%lx", sum);
}
void attack_cpuid(const char *argument) {
    (void)argument;
    refused_bits();
    leaf_zero("cpuid-svm-leaf", 0x8000000A, 0x8000000A);
    leaf_zero("cpuid-encryption-leaf", 0x8000001F, 0x80000026);
    leaf_zero("cpuid-performance-leaves", 0x8000001B, 0x8000001C);
    leaf_zero("cpuid-monitoring-leaves", 0x0F, 0x10);
    leaf_zero("cpuid-key-leaf", 0x1B, 0x1B);
    topology();
    strange();
}
