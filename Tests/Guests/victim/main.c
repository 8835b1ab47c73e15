// Console: `@victim start ... clean=yes`, then takes `S` and 32 bytes, any bytes, and says `@planted words=N registers=N` when they are
// everywhere. It never prints them.
#include "victim.h"

uint64_t secret[4];
static volatile uint32_t holding;

void on_interrupt(uint32_t processor, uint32_t vector) { (void)processor, (void)vector; }
void on_exception(uint32_t processor, const struct frame *frame) {
    print("@abort cpu=%u vector=%s rip=%lx\n", processor, vector_name((int)frame->vector), frame->rip);
}

static void read_secret(void) {
    for (size_t used = 0; used < sizeof secret;) {
        int c = console_get();
        if (c < 0) delay_us(1000);
        else ((uint8_t *)secret)[used++] = (uint8_t)c;
    }
}
static uint64_t plant_memory(void) {
    struct range r = free_memory();
    uint64_t *at = (uint64_t *)r.start;
    for (uint64_t i = 0; i < r.size / 8; i++) at[i] = secret[i % 4];
    return r.size / 8;
}
// Where a hypervisor that answers for what is not there may remember what it was asked.
static void plant_outside(void) {
    uint64_t outside = low_memory_end() + 0x1000;
    for (uint64_t i = 0; i < 4; i++) {
        try_write((void *)(outside + i * 8), secret[i]);
        try_write((void *)(outside + 0x100000 + i * 8), secret[i]);
        try_wrmsr(0xC0010114, secret[i]);
        try_wrmsr(0x10, secret[i]);
        try_wrmsr(0x4B564D01, secret[i]);
        uint64_t a = secret[i];
        asm volatile(GUARDED(".byte 0x0F, 0x01, 0xD9") : "+a"(a) : "b"(secret[i]), "c"(secret[i]), "d"(secret[i])
                     : "memory");
        a = (uint32_t)secret[i];
        uint64_t b = secret[i], c = secret[i], d = secret[i];
        asm volatile("cpuid" : "+a"(a), "+b"(b), "+c"(c), "+d"(d));
        try_out(0x3FF, 1, (uint32_t)secret[i]);  // the UART's scratch register, then a port that is not there
        try_out(0x1234, 4, (uint32_t)secret[i]);
    }
}
static void second_main(uint32_t index) {
    plant_registers(index);
    __atomic_fetch_add(&holding, 1, __ATOMIC_SEQ_CST);
    hold_secret(secret);
}

void guest_main(void) {
    uint64_t dirty = look_around() + look_at_functions();
    print("\n@victim start cpus=%u clean=%s\n", machine.processor_count, dirty ? "no" : "yes");
    while (console_get() != 'S') delay_us(1000);
    read_secret();
    uint64_t words = plant_memory();
    plant_outside();
    uint64_t registers = plant_functions();
    // The others start only now: they would have nothing to do before but to take the first one's time.
    for (uint32_t i = 1; i < machine.processor_count; i++) start_processor(i, second_main);
    while (holding + 1 < machine.processor_count) delay_us(1000);
    print("@planted words=%lu registers=%lu\n", words, registers);
    plant_registers(0);
    hold_secret(secret);
}
