// (k) What the partition's loader has and its image has not: this guest is the loader, as an image would be that took it
// over (a build with faults to inject, command line "loader=stays"). It sees the images behind all memory, and one hypercall
// of its is taken. `loader` survives and gives both up; `loader:refuse` and `loader:fetch` do not.
#include "attack.h"

#define IMAGES 0x100000000ul
#define PATTERN 0x5EED0BADC0FFEE11ul
#define UNKNOWN 1000
asm(".text\nloader_call_amd: .byte 0x0F, 0x01, 0xD9\n jmp probe_done\n"
    "loader_call_intel: .byte 0x0F, 0x01, 0xC1\n jmp probe_done\n");
extern const char loader_call_amd[], loader_call_intel[];

static int call(uint64_t number, uint64_t detail) {
    struct cpuid vendor = cpuid(0, 0);
    struct registers r = {.rax = number, .rbx = detail};
    int vector = probe_run(vendor.ebx == 0x756E6547 ? loader_call_intel : loader_call_amd, &r);
    // "No such call", as any guest is told.
    return vector < 0 && probe_after.rax == -1000ull ? UNKNOWN : vector;
}
static uint64_t read(uint64_t address) {
    uint64_t seen = 0;
    try_read((volatile uint64_t *)map_outside_address(address), &seen);
    return seen;
}
// Whether nothing answers in a page: an image may have a word of ones, or a few, anywhere.
static bool is_nothing(uint64_t address) {
    for (uint64_t at = address; at < address + 4096; at += 520)
        if (read(at) != ~0ull) return false;
    return true;
}
// Writes to the images are gone; behind their pages nothing answers, up to 1 GiB further.
static void window(void) {
    uint64_t kept = 0, ones = 0, other = 0, address = IMAGES;
    for (; address < IMAGES + (8 << 20) && !is_nothing(address); address += 4096) {
        uint64_t before = read(address);
        try_write((volatile uint64_t *)map_outside_address(address), PATTERN);
        if (read(address) != before) kept++, finding("loader-writes", "address=%lx", address);
    }
    attempt("loader-writes", "%lu-kept,%lu-pages", kept, (address - IMAGES) / 4096);
    for (uint64_t at = address; at < address + (1 << 30); at += 1 << 21) {
        if (read(at) == ~0ull) ones++;
        else if (other++ == 0) finding("loader-beyond", "address=%lx", at);
    }
    attempt("loader-beyond", "%lu-ones,%lu-data", ones, other);
}
static const char *answer_name(int answer) { return answer == UNKNOWN ? "unknown" : vector_name(answer); }
static void calls(const char *name, uint64_t first) {
    uint64_t unknown = 0, other = 0;
    for (uint64_t number = first; number < 4096; number++)
        for (uint64_t high = 0; high < 2; high++) {
            int vector = call(high << 31 | number, number * 0x100001);
            if (vector == UNKNOWN) unknown++;
            else other++, finding(name, "rax=%lx", number);
        }
    int zero = call(0, 0);
    attempt(name, "%lu-unknown,%lu-other,zero-%s", unknown, other, answer_name(zero));
}
void attack_loader(const char *argument) {
    if (equal(argument, "refuse")) {
        announce("loader", argument);
        call(2, 0xFFFFFFFF);
        return survived("loader", argument);
    }
    if (equal(argument, "fetch")) {
        announce("loader", argument);
        ((void (*)(void))map_outside_address(IMAGES))();
        return survived("loader", argument);
    }
    uint64_t head = read(IMAGES);
    attempt("loader-image", "%s", (uint32_t)head == 0x464C457F ? "elf" : "other");
    window();
    calls("loader-calls", 3);
    int first = call(1, 0), second = call(1, 0), refused = call(2, 0);
    attempt("loader-finished", "%s,again-%s,refused-%s", answer_name(first), answer_name(second),
            answer_name(refused));
    calls("loader-calls-after", 1);
    uint64_t words = 0;
    for (uint64_t at = 0x9F000; at < 0xE0000; at += 8) words += *(volatile uint64_t *)at != 0;
    attempt("loader-gone", "%lu-words,%s", words, read(IMAGES) == ~0ull ? "no-images" : "images");
}
