// What UEFI applications that stand for firmware have in common. UEFI 2.10, sections 4, 7, 10.3.5.4 and 13.5.
typedef unsigned long long u64;
typedef unsigned int u32;
typedef unsigned short u16;
typedef unsigned char u8;

// Not each kind needs all of them.
#define HELPER static __attribute__((unused))

struct guid { u64 low, high; };
struct table_header { u64 signature; u32 revision, size, crc, reserved; };
struct boot_services {
    struct table_header header;
    u64 raise, restore;
    u64 (*allocate_pages)(u32 type, u32 memory, u64 pages, u64 *address);
    u64 free_pages;
    u64 (*memory_map)(u64 *size, void *map, u64 *key, u64 *stride, u32 *version);
    u64 allocate_pool, free_pool;
    u64 (*create_event)(u32 type, u64 level, void (*notify)(void *, void *), void *context, void **event);
    u64 timer[5], protocols[3];
    u64 (*handle_protocol)(void *handle, const struct guid *protocol, void **interface);
    u64 reserved[4], configuration;
    u64 (*load_image)(u8 policy, void *parent, void *path, void *buffer, u64 size, void **image);
    u64 (*start_image)(void *image, u64 *size, u16 **data);
    u64 exit, unload;
    u64 (*exit_boot_services)(void *image, u64 key);
    u64 others[10];
    u64 (*locate_protocol)(const struct guid *protocol, void *registration, void **interface);
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

// On COM1.
static void print(const char *text) {
    for (; *text; text++) {
        u8 status;
        do __asm__ volatile("inb %1, %0" : "=a"(status) : "Nd"((u16)0x3FD));
        while (!(status & 0x20));
        __asm__ volatile("outb %0, %1" ::"a"((u8)*text), "Nd"((u16)0x3F8));
    }
}

// ACPI 2.0's root pointer; 0: there is none.
HELPER u64 root_pointer(struct system_table *system) {
    for (u64 i = 0; i < system->count; i++) {
        struct guid guid = system->configuration[i].guid;
        if (guid.low == 0x11D3E4F18868E871 && guid.high == 0x81883CC7800022BC) return system->configuration[i].table;
    }
    return 0;
}

// Where the XSDT has the table with this signature (ACPI 6.5, section 5.2).
HELPER u8 **acpi_entry(struct system_table *system, u32 signature) {
    u64 root = root_pointer(system);
    u8 *xsdt = root ? *(u8 **)(root + 24) : 0;
    for (u32 at = 36; xsdt && at + 8 <= *(u32 *)(xsdt + 4); at += 8)
        if (*(u32 *)*(u8 **)(xsdt + at) == signature) return (u8 **)(xsdt + at);
    return 0;
}

// Loads \EFI\BOOT\BULKHEAD.EFI from the volume that this program came from; 0, and says why: it cannot.
HELPER void *load_hypervisor(void *image, struct boot_services *boot) {
    static const struct guid loaded = {0x11D295625B1B31A1, 0x3B7269C9A0003F8E};
    static const struct guid device_path = {0x11D26D3F09576E91, 0x3B7269C9A000398E};
    struct loaded_image *own;
    u8 *volume;
    if (boot->handle_protocol(image, &loaded, (void **)&own)) return print("firmware: no image\r\n"), (void *)0;
    if (boot->handle_protocol(own->device, &device_path, (void **)&volume)) return print("firmware: no path\r\n"), (void *)0;
    // The volume's path, then a file's node, then the end.
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
    if (boot->load_image(0, image, path, 0, 0, &next)) return print("firmware: no hypervisor\r\n"), (void *)0;
    return next;
}
