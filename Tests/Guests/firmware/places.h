// What the kinds AT_... and LISTS_... do to ivshmem-plain at 00:10.0: BAR 0, of 256 bytes, is put somewhere, or it, or
// BAR 2, which is memory, is where the firmware's tables then have something. All is as it was when the next volume has its turn.
#define FUNCTION 0x10

HELPER u64 wide_bar(void) { return (u64)read_space(FUNCTION, 0x1C) << 32 | (read_space(FUNCTION, 0x18) & ~0xFu); }

#if defined(LISTS_ECAM) || defined(LISTS_IOAPIC) || defined(LISTS_UNIT)
static volatile u32 *patched;
static u32 was[2];
#endif
#ifdef LISTS_FLASH
static u64 (*memory_map)(u64 *, void *, u64 *, u64 *, u32 *);
// Memory-mapped I/O that firmware reaches for at run time (UEFI 2.10, table 7.10 and EFI_MEMORY_RUNTIME): flash memory.
static u64 listed_map(u64 *size, void *map, u64 *key, u64 *stride, u32 *version) {
    u64 room = *size, status = memory_map(size, map, key, stride, version);
    if (status || *size + *stride > room) return *size += *stride, status ? status : 0x8000000000000005ull;
    u64 *last = (u64 *)((u8 *)map + *size);
    last[0] = 11, last[1] = wide_bar(), last[2] = 0, last[3] = 1, last[4] = 1ull << 63 | 1;
    return *size += *stride, 0;
}
#endif

// What a refused boot leaves as it is: command register, BARs, VT-d's global status and its root table.
static u64 seen[9];
static u64 look(int i) {
    return i == 0 ? read_space(FUNCTION, 4) & 0xFFFF : i < 7 ? read_space(FUNCTION, 0x0C + 4 * i) : i == 7 ? read32(VTD + 0x1C) : read64(VTD + 0x20);
}
static u32 bar0;

static int begin(struct system_table *system) {
    if ((u16)read_space(FUNCTION, 0) != 0x1AF4) return 0;
    bar0 = read_space(FUNCTION, 0x10);
#if defined(AT_ZERO)
    write_space(FUNCTION, 0x10, 0);
#elif defined(AT_VGA)
    write_space(FUNCTION, 0x10, 0xA0000);
#elif defined(AT_ECAM)
    // The host bridge's PCIEXBAR; behind the pages of bus 0.
    write_space(FUNCTION, 0x10, (read_space(0, 0x60) & 0xF0000000) + 0x00800000);
#elif defined(AT_IOAPIC)
    write_space(FUNCTION, 0x10, 0xFEC00000);
#elif defined(AT_UNIT)
    write_space(FUNCTION, 0x10, (u32)VTD);
#elif defined(LISTS_ECAM)
    // One entry more, for a bus of segment 1 (PCI Firmware 3.3, section 4.1.2).
    static u8 mcfg[76];
    patched = (u32 *)acpi_entry(system, 0x4746434D);
    for (u32 i = 0; patched && i < 60; i++) mcfg[i] = (*(u8 **)patched)[i];
    mcfg[4] = sizeof mcfg, *(u64 *)(mcfg + 60) = bar0 & ~0xFFFFFu, mcfg[68] = 1;
#elif defined(LISTS_IOAPIC)
    u8 **entry = acpi_entry(system, 0x43495041), *madt = entry ? *entry : 0;
    for (u32 at = 44; madt && at < *(u32 *)(madt + 4) && madt[at + 1]; at += madt[at + 1])
        if (madt[at] == 1) patched = (u32 *)(madt + at + 4);
#elif defined(LISTS_UNIT)
    // The first unit (DRHD) has its registers there, where what it can do reads the same.
    u8 **entry = acpi_entry(system, 0x52414D44), *dmar = entry ? *entry : 0;
    for (u32 at = 0; at < 4096; at += 8) write64(wide_bar() + at, read64(VTD + at));
    if (dmar) patched = (u32 *)(dmar + 48 + 8);
#elif defined(LISTS_FLASH)
    memory_map = system->boot->memory_map;
    system->boot->memory_map = listed_map;
#endif
#if defined(LISTS_ECAM) || defined(LISTS_IOAPIC) || defined(LISTS_UNIT)
    if (!patched) return 0;
    was[0] = patched[0], was[1] = patched[1];
#endif
#if defined(LISTS_ECAM)
    *(u8 **)patched = mcfg;
#elif defined(LISTS_IOAPIC)
    patched[0] = bar0 & ~0xFu;
#elif defined(LISTS_UNIT)
    patched[0] = (u32)wide_bar(), patched[1] = (u32)(wide_bar() >> 32);
#endif
    (void)system;
    for (int i = 0; i < 9; i++) seen[i] = look(i);
    return 1;
}

static void end(struct system_table *system) {
    int changes = 0;
    for (int i = 0; i < 9; i++) changes += look(i) != seen[i];
    print(changes ? "firmware: something was changed\r\n" : "firmware: nothing was changed\r\n");
    write_space(FUNCTION, 0x10, bar0);
#if defined(LISTS_ECAM) || defined(LISTS_IOAPIC) || defined(LISTS_UNIT)
    patched[0] = was[0], patched[1] = was[1];
#endif
#ifdef LISTS_FLASH
    system->boot->memory_map = memory_map;
#endif
    (void)system;
}
