// Stands for firmware that leaves a machine as few do: a UEFI application that starts \EFI\BOOT\BULKHEAD.EFI from the volume it
// came from. Which kind it is, is chosen when it is built:
//   WIDE   has 57-bit addresses on (CR4.LA57), as some server firmware has with 5-level paging in its set-up.
//   STANDS names a port as ACPI's timer's at which nothing counts.
// UEFI 2.10, sections 4 and 7; Intel SDM volume 3A, section 4.1.2; ACPI 6.5, section 5.2.9.
typedef unsigned long long u64;
typedef unsigned int u32;
typedef unsigned short u16;
typedef unsigned char u8;

struct guid { u64 low, high; };
struct table_header { u64 signature; u32 revision, size, crc, reserved; };
struct boot_services {
    struct table_header header;
    u64 raise, restore;
    u64 (*allocate_pages)(u32 type, u32 memory, u64 pages, u64 *address);
    u64 free_pages, memory_map, allocate_pool, free_pool, create_event, timer[5], protocols[3];
    u64 (*handle_protocol)(void *handle, const struct guid *protocol, void **interface);
    u64 reserved[4], configuration;
    u64 (*load_image)(u8 policy, void *parent, void *path, void *buffer, u64 size, void **image);
    u64 (*start_image)(void *image, u64 *size, u16 **data);
};
struct configuration { struct guid guid; u64 table; };
struct system_table {
    struct table_header header;
    u64 console[9];
    struct boot_services *boot;
    u64 count;
    struct configuration *configuration;
};
struct loaded_image { u32 revision; void *parent; struct system_table *system; void *device; };

static void print(const char *text) {
    for (; *text; text++) {
        u8 status;
        do __asm__ volatile("inb %1, %0" : "=a"(status) : "Nd"((u16)0x3FD));
        while (!(status & 0x20));
        __asm__ volatile("outb %0, %1" ::"a"((u8)*text), "Nd"((u16)0x3F8));
    }
}

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
    // ACPI 2.0's root pointer; of its table, the one that is called FACP: the timer's port twice.
    static const struct guid acpi = {0x11D3E4F18868E871, 0x81883CC7800022BC};
    for (u64 i = 0; i < system->count; i++) {
        if (system->configuration[i].guid.low != acpi.low || system->configuration[i].guid.high != acpi.high) continue;
        u8 *list = *(u8 **)(system->configuration[i].table + 24);
        for (u32 at = 36; at + 8 <= *(u32 *)(list + 4); at += 8) {
            u8 *table = (u8 *)*(u64 *)(list + at);
            if (*(u32 *)table != 0x50434146) continue;
            *(u32 *)(table + 76) = 0x5F8;
            if (*(u32 *)(table + 4) >= 220) *(u32 *)(table + 212) = 0x5F8;
            u8 sum = 0;
            for (u32 k = 0; k < *(u32 *)(table + 4); k++) sum += table[k];
            table[9] -= sum;
            return print("firmware: the timer stands still\r\n"), 0;
        }
    }
    return print("firmware: no timer\r\n"), 1;
}
#endif

u64 start(void *image, struct system_table *system) {
    struct boot_services *boot = system->boot;
    if (prepare(system)) return 1;
    static const struct guid loaded = {0x11D295625B1B31A1, 0x3B7269C9A0003F8E};
    static const struct guid device_path = {0x11D26D3F09576E91, 0x3B7269C9A000398E};
    struct loaded_image *own;
    u8 *volume;
    if (boot->handle_protocol(image, &loaded, (void **)&own)) return print("firmware: no image\r\n"), 1;
    if (boot->handle_protocol(own->device, &device_path, (void **)&volume)) return print("firmware: no path\r\n"), 1;
    // The volume's path, then a file's node (section 10.3.5.4), then the end.
    static u8 path[1024];
    static const char name[] = "\\EFI\\BOOT\\BULKHEAD.EFI";
    u32 count = 0;
    while (volume[count] != 0x7F && count < 512) {
        u32 length = volume[count + 2] | volume[count + 3] << 8;
        for (u32 i = 0; i < length; i++, count++) path[count] = volume[count];
    }
    u8 *node = path + count;
    node[0] = 4, node[1] = 4, node[2] = 4 + 2 * sizeof name;
    for (u32 i = 0; i < sizeof name; i++) node[4 + 2 * i] = (u8)name[i];
    node += 4 + 2 * sizeof name;
    node[0] = 0x7F, node[1] = 0xFF, node[2] = 4;
    void *next;
    if (boot->load_image(0, image, path, 0, 0, &next)) return print("firmware: no hypervisor\r\n"), 1;
    return boot->start_image(next, 0, 0);
}
