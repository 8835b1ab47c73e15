// Stands for firmware with DMA protection of its own, or a last act of another kind: a UEFI application that starts
// \EFI\BOOT\BULKHEAD.EFI from the volume it came from. Which kind it is, is chosen when it is built:
//   ENDS   ends protection in a callback of ExitBootServices, as EDK2's DisableDmar does and did: interrupt remapping, queue
//          and translation off, a root table of zeros (AMD: control and device table cleared).
//   CLEARS clears in such a callback the one bit that keeps translation on: queue, tables and interrupt remapping stay.
//   MOVES  moves in such a callback the registers of 00:10.0, by their size.
//   STAYS  has protection on from the start and never leaves: ExitBootServices is refused. Afterwards it says whether
//          protection is as it was.
//   AT_..., LISTS_... put, before they start it, registers of 00:10.0 where the machine has something else, or have the tables say
//          that it has; see places.h. Afterwards they say whether anything was changed.
//   SMIS   enables in such a callback the SMIs of the EHCI controller 00:11.0, and keeps it for itself.
//   REFUSES fails to measure a kernel into the TPM (TCG EFI Protocol Specification 1.0, section 6.6), and measures all else.
// The units are where QEMU has them. UEFI 2.10, sections 4 and 7; VT-d specification, section 11.4; AMD specification
// 48882, section 3.4.
#include "firmware.h"

#define VTD 0xFED90000ull
#define AMDVI 0xFED80000ull

HELPER u32 read32(u64 at) { return *(volatile u32 *)at; }
HELPER void write32(u64 at, u32 value) { *(volatile u32 *)at = value; }
HELPER u64 read64(u64 at) { return *(volatile u64 *)at; }
HELPER void write64(u64 at, u64 value) { *(volatile u64 *)at = value; }

HELPER void write_port32(u16 port, u32 value) { __asm__ volatile("outl %0, %1" ::"a"(value), "Nd"(port)); }
HELPER u32 read_port32(u16 port) {
    u32 value;
    __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}
// Configuration space of bus 0.
HELPER u32 read_space(u32 device, u32 at) { return write_port32(0xCF8, 1u << 31 | device << 11 | at), read_port32(0xCFC); }
HELPER void write_space(u32 device, u32 at, u32 value) { write_port32(0xCF8, 1u << 31 | device << 11 | at), write_port32(0xCFC, value); }

#if defined(MOVES)
static void change(void *event, void *context) {
    (void)event, (void)context;
    write_port32(0xCF8, 0x80008010);
    u32 address = read_port32(0xCFC);
    write_port32(0xCFC, 0xFFFFFFFF);
    write_port32(0xCFC, address + (~(read_port32(0xCFC) & ~0xFu) + 1));
    print("firmware: 00:10.0 is elsewhere\r\n");
}
#elif defined(SMIS)
static void change(void *event, void *context) {
    (void)event, (void)context;
    write_space(0x11, 0x68, read_space(0x11, 0x68) | 1 << 16);
    write_space(0x11, 0x6C, read_space(0x11, 0x6C) | 0xE03F);
    print("firmware: SMIs are enabled\r\n");
}
#elif defined(PLACES)
#include "places.h"
#else
// One change of global command, and its status. Lasting bits are those of global status.
HELPER void command(u32 set, u32 clear) {
    u32 lasting = read32(VTD + 0x1C) & 0x86800000;
    write32(VTD + 0x18, (lasting & ~clear) | set);
    while ((read32(VTD + 0x1C) & (set | clear)) != set) {}
}
#endif

#if defined(ENDS) || defined(CLEARS)
static void change(void *event, void *context) {
    (void)event, (void)context;
    int is_vtd = read32(VTD) != 0xFFFFFFFF && read32(VTD) != 0;
#ifdef CLEARS
    if (is_vtd)
        command(0, 1u << 31);
    else
        write64(AMDVI + 0x18, read64(AMDVI + 0x18) & ~1ull);
#else
    if (is_vtd) {
        command(0, 1u << 25);
        command(0, 1u << 26);
        command(0, 1u << 31);
        write64(VTD + 0x20, 0);
        command(1u << 30, 0);
    } else {
        write64(AMDVI + 0x18, 0);
        write64(AMDVI, 0);
    }
#endif
    print("firmware: DMA protection is off\r\n");
}
#endif

#ifdef STAYS
static u64 refuse_to_leave(void *image, u64 key) {
    (void)image, (void)key;
    return 0x8000000000000002ull;  // EFI_INVALID_PARAMETER
}

// Global status, root table, interrupt table, queue, its tail.
static const u16 registers[] = {0x1C, 0x20, 0xB8, 0x90, 0x88};
static u64 registers_now(int i) { return i == 0 ? read32(VTD + registers[0]) : read64(VTD + registers[i]); }
#endif

#ifdef REFUSES
struct tcg2 {
    u64 capability, log;
    u64 (*measure)(struct tcg2 *, u64 flags, u64 data, u64 size, const u8 *event);
};
static u64 (*measure)(struct tcg2 *, u64 flags, u64 data, u64 size, const u8 *event);
// The lowest bytes of the event's type and of a tagged event's id.
static u64 refuse_a_kernel(struct tcg2 *self, u64 flags, u64 data, u64 size, const u8 *event) {
    if (event[14] == 6 && event[18] == 5) return 0x8000000000000007ull;  // EFI_DEVICE_ERROR
    return measure(self, flags, data, size, event);
}
#endif

u64 start(void *image, struct system_table *system) {
    struct boot_services *boot = system->boot;
#ifdef REFUSES
    static const struct guid tcg2 = {0x42BE7455607F766C, 0x0F72B26DD7E40B93};
    struct tcg2 *tpm;
    if (boot->locate_protocol(&tcg2, 0, (void **)&tpm)) return print("firmware: no TPM\r\n"), 1;
    measure = tpm->measure;
    tpm->measure = refuse_a_kernel;
#elif defined(PLACES)
    if (!begin(system)) return print("firmware: nothing to place\r\n"), 1;
#elif !defined(STAYS)
    void *event;
    // EVT_SIGNAL_EXIT_BOOT_SERVICES, TPL_CALLBACK.
    if (boot->create_event(0x201, 8, change, 0, &event)) return print("firmware: no event\r\n"), 1;
#endif
#ifdef STAYS
    u64 pages, before[5];
    if (boot->allocate_pages(0, 4, 3, &pages)) return print("firmware: no memory\r\n"), 1;
    for (int i = 0; i < 3 * 512; i++) ((u64 *)pages)[i] = 0;
    write64(VTD + 0x20, pages);
    command(1u << 30, 0);
    write64(VTD + 0xB8, (pages + 4096) | 7);
    command(1u << 24, 0);
    write64(VTD + 0x88, 0);
    write64(VTD + 0x90, pages + 8192);
    command(1u << 26, 0);
    // Contexts, translations, interrupt entries, a wait: QEMU's unit lets no queue end that ends with anything else.
    ((u64 *)pages)[1024] = 0x11, ((u64 *)pages)[1026] = 0x12, ((u64 *)pages)[1028] = 4, ((u64 *)pages)[1030] = 0x15;
    write64(VTD + 0x88, 0x40);
    while (read64(VTD + 0x80) != 0x40) {}
    command(1u << 31, 0);
    for (int i = 0; i < 5; i++) before[i] = registers_now(i);
    boot->exit_boot_services = refuse_to_leave;
#endif

    void *next = load_hypervisor(image, boot);
    if (!next) return 1;
    u64 status = boot->start_image(next, 0, 0);
#ifdef REFUSES
    tpm->measure = measure;
#endif
#ifdef PLACES
    end(system);
#endif
#ifdef STAYS
    for (int i = 0; i < 5; i++)
        if (registers_now(i) != before[i]) return print("firmware: DMA protection is not as it was\r\n"), status;
    print("firmware: DMA protection is as it was\r\n");
#endif
    return status;
}
