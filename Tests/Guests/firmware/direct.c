// Starts a kernel on a machine whose emulator loads none: a UEFI application that reads \BULKHEAD\KERNEL.ELF from the volume it
// came from, leaves the firmware and enters the kernel as the PVH boot protocol has it: 32-bit protected mode, no paging, EBX
// points to hvm_start_info. Nothing of it is left beneath. UEFI 2.10, sections 4, 7 and 13.5; Xen's docs/misc/pvh.pandoc.
#include "firmware.h"

struct file {
    u64 revision;
    u64 (*open)(struct file *, struct file **, const u16 *name, u64 mode, u64 attributes);
    u64 close, delete;
    u64 (*read)(struct file *, u64 *size, void *to);
};
struct volume { u64 revision; u64 (*open)(struct volume *, struct file **); };
struct descriptor { u32 type, pad; u64 start, virtual, pages, attributes; };
struct program { u32 type, flags; u64 offset, virtual, physical, size, memory, align; };
struct entry { u64 start, size; u32 type, reserved; };
static struct {
    u32 magic, version, flags, modules;
    u64 module_list, command_line, rsdp, map;
    u32 entries, reserved;
} information = {.magic = 0x336EC578, .version = 1};
static struct entry entries[32];
static u8 map[16384];

void enter(u64 kernel, void *information);
__asm__(".text\n.globl enter\nenter: cli\n movl %ecx, %esi\n movl %edx, %ebx\n leaq enter_gdt(%rip), %rax\n"
        " movq %rax, enter_gdt_pointer+2(%rip)\n lgdt enter_gdt_pointer(%rip)\n pushq $8\n leaq 1f(%rip), %rax\n"
        " pushq %rax\n lretq\n.code32\n1: movl $16, %eax\n movl %eax, %ds\n movl %eax, %es\n movl %eax, %ss\n"
        " movl %cr0, %eax\n andl $0x7FFFFFFF, %eax\n movl %eax, %cr0\n movl $0xC0000080, %ecx\n rdmsr\n"
        " andl $0xFFFFFEFF, %eax\n wrmsr\n xorl %eax, %eax\n movl %eax, %cr4\n jmp *%esi\n.code64\n"
        ".data\n.balign 8\nenter_gdt: .quad 0, 0x00CF9B000000FFFF, 0x00CF93000000FFFF\n"
        "enter_gdt_pointer: .word 23\n .quad 0\n.text\n");

static u64 fail(const char *what) { return print("direct: "), print(what), print("\r\n"), 1; }

u64 start(void *image, struct system_table *system) {
    static const struct guid loaded = {0x11D295625B1B31A1, 0x3B7269C9A0003F8E};
    static const struct guid file_system = {0x11D26459964E5B22, 0x3B7269C9A000398E};
    static const u16 name[] = u"\\BULKHEAD\\kernel.elf";
    struct boot_services *boot = system->boot;
    struct loaded_image *own;
    struct volume *volume;
    struct file *root, *file;
    u64 raw, size = 4 << 20;
    if (boot->handle_protocol(image, &loaded, (void **)&own)) return fail("no image");
    if (boot->handle_protocol(own->device, &file_system, (void **)&volume)) return fail("no file system");
    if (volume->open(volume, &root) || root->open(root, &file, name, 1, 0)) return fail("no kernel");
    if (boot->allocate_pages(0, 2, size >> 12, &raw) || file->read(file, &size, (void *)raw)) return fail("no memory");

    // Every segment where it is linked; the entry is in the note that PVH loaders read.
    const u8 *elf = (const u8 *)raw;
    const struct program *programs = (const void *)(elf + *(const u64 *)(elf + 32));
    u64 kernel = 0;
    for (u16 i = 0; i < *(const u16 *)(elf + 56); i++) {
        const struct program *p = &programs[i];
        if (p->type == 4) kernel = *(const u64 *)(elf + p->offset + 16);
        if (p->type != 1) continue;
        // To a whole 2 MiB: what runs there takes all behind itself for its own.
        u64 base = p->physical & ~0xFFFull, end = (p->physical + p->memory + 0x1FFFFF) & ~0x1FFFFFull;
        if (boot->allocate_pages(2, 2, (end - base) >> 12, &base)) return fail("its place is not free");
        for (u64 at = 0; at < p->memory; at++) ((u8 *)p->physical)[at] = at < p->size ? elf[p->offset + at] : 0;
    }
    information.rsdp = root_pointer(system);

    u64 bytes = sizeof map, key, stride;
    u32 version;
    if (boot->memory_map(&bytes, map, &key, &stride, &version)) return fail("no memory map");
    if (boot->exit_boot_services(image, key)) return fail("the firmware stays");
    for (u64 at = 0; at < bytes && information.entries < 32; at += stride) {
        const struct descriptor *d = (const void *)(map + at);
        int ram = (d->type >= 1 && d->type <= 4) || d->type == 7;
        struct entry *last = information.entries ? &entries[information.entries - 1] : 0;
        if (!ram) continue;
        if (last && last->start + last->size == d->start) last->size += d->pages << 12;
        else entries[information.entries++] = (struct entry){d->start, d->pages << 12, 1, 0};
    }
    information.map = (u64)entries;
    enter(kernel, &information);
    return 0;
}
