// Finding further vCPUs in the ACPI MADT, and starting them.
#include "runtime.h"

struct __attribute__((packed)) table_header {
    char signature[4];
    uint32_t length;
    uint8_t rest[28];
};
extern char ap_begin[], ap_end[];
extern volatile uint32_t ap_next;
#define AP_PAGE 0x8000
static void (*volatile ap_run)(uint32_t index);
static volatile uint32_t ap_alive;

static void add_processor(uint32_t apic_id, uint32_t flags) {
    if (!(flags & 1) || apic_id == machine.apic_ids[0] || machine.processor_count >= PROCESSORS_MAX) return;
    machine.apic_ids[machine.processor_count++] = apic_id;
}
static void read_madt(const struct table_header *madt) {
    const uint8_t *at = (const uint8_t *)madt + 44, *end = (const uint8_t *)madt + madt->length;
    for (; at + 2 <= end && at[1] >= 2; at += at[1]) {
        const uint32_t *words = (const uint32_t *)at;
        if (at[0] == 0) add_processor(at[3], words[1]);
        if (at[0] == 9) add_processor(words[1], words[2]);
    }
}
static uint64_t scan_for_rsdp(void) {
    for (uint64_t at = 0xE0000; at < 0x100000; at += 16)
        if (starts_with((const char *)at, "RSD PTR ")) return at;
    return 0;
}

const void *find_table(const char *signature) {
    const uint8_t *rsdp = (const uint8_t *)machine.rsdp;
    if (!rsdp) return nullptr;
    bool wide = rsdp[15] >= 2 && *(const uint64_t *)(rsdp + 24);
    const struct table_header *root =
        (const void *)(wide ? *(const uint64_t *)(rsdp + 24) : *(const uint32_t *)(rsdp + 16));
    const uint8_t *entries = (const uint8_t *)(root + 1);
    for (uint32_t i = 0; i < (root->length - sizeof *root) / (wide ? 8 : 4); i++) {
        const struct table_header *table =
            (const void *)(wide ? ((const uint64_t *)entries)[i] : ((const uint32_t *)entries)[i]);
        if (starts_with(table->signature, signature)) return table;
    }
    return nullptr;
}

void find_processors(void) {
    machine.apic_ids[0] = (uint32_t)rdmsr(APIC_ID);
    machine.processor_count = 1;
    if (!machine.rsdp) machine.rsdp = scan_for_rsdp();
    const struct table_header *madt = find_table("APIC");
    if (madt) read_madt(madt);
}

void ap_start(uint32_t index) {
    load_interrupt_table(index);
    apic_start();
    ap_alive = index;
    ap_run(index);
}

bool start_processor(uint32_t index, void (*run)(uint32_t index)) {
    if (index == 0 || index >= machine.processor_count) return false;
    memcpy((void *)AP_PAGE, ap_begin, (size_t)(ap_end - ap_begin));
    ap_run = run;
    ap_next = index;
    ap_alive = 0;
    uint64_t destination = (uint64_t)machine.apic_ids[index] << 32;
    wrmsr(APIC_ICR, destination | 0x4500);
    delay_us(10000);
    wrmsr(APIC_ICR, destination | 0x4600 | AP_PAGE >> 12);
    for (uint64_t ms = 0; ms < 10000 && ap_alive != index; ms++) delay_us(1000);
    return ap_alive == index;
}
