// Stands for firmware with a TPM as QEMU has none: a UEFI application that starts \EFI\BOOT\BULKHEAD.EFI from the volume it came
// from. Which kind it is, is chosen when it is built:
//   ELSEWHERE has its control area in memory, says ACPI's table TPM2 (TCG ACPI Specification 1.4, section 8).
//   CUTS      says that its event log was cut (TCG EFI Protocol Specification 1.0, section 6.5).
// Both take it back when the hypervisor has refused the boot.
#include "firmware.h"

#ifdef CUTS
struct tcg2 {
    u64 capability;
    u64 (*log)(struct tcg2 *, u32 format, u64 *first, u64 *last, u8 *is_cut);
};
static u64 (*whole_log)(struct tcg2 *, u32 format, u64 *first, u64 *last, u8 *is_cut);
static u64 cut_log(struct tcg2 *self, u32 format, u64 *first, u64 *last, u8 *is_cut) {
    u64 status = whole_log(self, format, first, last, is_cut);
    *is_cut = 1;
    return status;
}
#endif

u64 start(void *image, struct system_table *system) {
#ifdef CUTS
    static const struct guid id = {0x42BE7455607F766C, 0x0F72B26DD7E40B93};
    struct tcg2 *tpm;
    if (system->boot->locate_protocol(&id, 0, (void **)&tpm)) return print("firmware: no TPM\r\n"), 1;
    whole_log = tpm->log;
    tpm->log = cut_log;
#else
    u8 **table = acpi_entry(system, 0x324D5054);
    if (!table) return print("firmware: no TPM2\r\n"), 1;
    u64 *area = (u64 *)(*table + 40), before = *area;
    *area = 0x7F000000;
#endif
    void *next = load_hypervisor(image, system->boot);
    if (!next) return 1;
    u64 status = system->boot->start_image(next, 0, 0);
#ifdef CUTS
    tpm->log = whole_log;
#else
    *area = before;
#endif
    return status;
}
