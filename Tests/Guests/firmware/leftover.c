// Stands for firmware that leaves a machine as few do: a UEFI application that starts \EFI\BOOT\BULKHEAD.EFI from the volume it
// came from. Which kind it is, is chosen when it is built:
//   WIDE   has 57-bit addresses on (CR4.LA57), as some server firmware has with 5-level paging in its set-up.
//   STANDS names a port as ACPI's timer's at which nothing counts.
// UEFI 2.10, sections 4 and 7; Intel SDM volume 3A, section 4.1.2; ACPI 6.5, section 5.2.9.
#include "firmware.h"

#ifdef WIDE
// LA57 changes only where paging is off, which it cannot be in 64-bit mode: through EDK2's 32-bit code segment and back. Code,
// stack and tables lie below 4 GiB, mapped one to one.
void widen(u64 root);
__asm__(".text\n.globl widen\nwiden: pushq %rbx\n pushfq\n cli\n movl %cs, %ebx\n pushq $0x10\n leaq 1f(%rip), %rax\n"
        " pushq %rax\n lretq\n"
        ".code32\n1: movl %cr0, %eax\n andl $0x7FFFFFFF, %eax\n movl %eax, %cr0\n movl %cr4, %eax\n orl $0x1000, %eax\n"
        " movl %eax, %cr4\n movl %ecx, %cr3\n movl %cr0, %eax\n orl $0x80000000, %eax\n movl %eax, %cr0\n pushl %ebx\n"
        " call 2f\n2: popl %eax\n addl $(3f-2b), %eax\n pushl %eax\n lretl\n"
        ".code64\n3: popfq\n popq %rbx\n retq\n");

static u64 prepare(struct system_table *system) {
    u64 root = 0xFFFFF000, old;
    // AllocateMaxAddress, EfiBootServicesData.
    if (system->boot->allocate_pages(1, 4, 1, &root)) return print("firmware: no memory\r\n"), 1;
    for (int i = 0; i < 512; i++) ((volatile u64 *)root)[i] = 0;
    __asm__ volatile("movq %%cr3, %0" : "=r"(old));
    *(u64 *)root = old | 7;
    widen(root);
    __asm__ volatile("movq %%cr4, %0" : "=r"(old));
    print(old & 1 << 12 ? "firmware: addresses have 57 bits\r\n" : "firmware: addresses have 48 bits\r\n");
    return 0;
}
#endif

#ifdef STANDS
static u64 prepare(struct system_table *system) {
    u8 **entry = acpi_entry(system, 0x50434146), *table = entry ? *entry : 0;  // FACP: the timer's port twice
    if (!table) return print("firmware: no timer\r\n"), 1;
    *(u32 *)(table + 76) = 0x5F8;
    if (*(u32 *)(table + 4) >= 220) *(u32 *)(table + 212) = 0x5F8;
    u8 sum = 0;
    for (u32 k = 0; k < *(u32 *)(table + 4); k++) sum += table[k];
    table[9] -= sum;
    return print("firmware: the timer stands still\r\n"), 0;
}
#endif

u64 start(void *image, struct system_table *system) {
    void *next;
    if (prepare(system) || !(next = load_hypervisor(image, system->boot))) return 1;
    return system->boot->start_image(next, 0, 0);
}
