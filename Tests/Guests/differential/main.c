// Commands, one a line: `run SEED FIRST COUNT BLOCK` sums up each block of sequences, `show SEED INDEX` prints one and
// every state of it, `differences` executes what differs by a decision. Each ends with `@done`.
#include "differential.h"

void on_interrupt(uint32_t processor, uint32_t vector) { (void)processor, (void)vector; }
void on_exception(uint32_t processor, const struct frame *frame) {
    print("@abort cpu=%u vector=%s rip=%lx\n", processor, vector_name((int)frame->vector), frame->rip);
}

void harness_broken(void) {
    print("@abort vector=%ld error=%lx rip=%lx cr2=%lx\n", after.vector, after.error, after.rip, read_cr2());
}

static struct sequence sequence;

static void run(uint64_t seed, uint64_t first, uint64_t count, uint64_t block) {
    for (uint64_t at = first; at < first + count; at += block) {
        uint64_t sum = 0;
        for (uint64_t index = at; index < at + block && index < first + count; index++) {
            generate(&sequence, seed, index);
            sum = (sum << 1 | sum >> 63) ^ sandbox_run(&sequence, false);
        }
        print("@block %lu %lx\n", at, sum);
    }
}
static void show(uint64_t seed, uint64_t index) {
    generate(&sequence, seed, index);
    print("@sequence %lu steps=%u noise=%u cr4=%lx dr7=%lx code=", index, sequence.steps, sequence.noise, sequence.cr4,
          sequence.dr7);
    for (uint32_t i = 0; i < sequence.length; i++) print("%02x", sequence.code[i]);
    print("\n");
    sandbox_run(&sequence, true);
}

static void read_line(char *line, size_t capacity) {
    size_t used = 0;
    for (;;) {
        int c = console_get();
        if (c < 0) delay_us(1000);
        else if (c == '\n' || c == '\r') {
            if (used) break;
        } else if (used + 1 < capacity) line[used++] = (char)c;
    }
    line[used] = 0;
}

void guest_main(void) {
    static char line[128];
    sandbox_start();
    print("\n@differential start\n");
    for (;;) {
        print("@ready\n");
        read_line(line, sizeof line);
        uint64_t numbers[4] = {0};
        int count = 0;
        for (const char *at = line; *at && count < 4; at++)
            if (*at == ' ') numbers[count++] = parse_number(at + 1);
        if (starts_with(line, "run ") && numbers[3]) run(numbers[0], numbers[1], numbers[2], numbers[3]);
        else if (starts_with(line, "show ")) show(numbers[0], numbers[1]);
        else if (equal(line, "differences")) run_differences();
        else print("@unknown %s\n", line);
        print("@done\n");
    }
}
