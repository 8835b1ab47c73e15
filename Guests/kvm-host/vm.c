// One virtual machine: QEMU with KVM, tuned as its documentation advises for real time.
#include "host.h"

struct vm vms[VMS] = {
    {.cpus = 1, .first_core = 1, .console = "/dev/ttyS0", .kernel = "/guest/vmlinux-rt", .ram_disk = "/guest/control-loop.cpio"},
    {.cpus = 2, .first_core = 2, .console = "/dev/ttyS2", .kernel = "/guest/vmlinux-rt", .ram_disk = "/guest/control-loop.cpio"},
    {.cpus = 1, .first_core = 1, .console = "/dev/ttyS0", .kernel = "/guest/vmlinux-device", .ram_disk = "/guest/wire.cpio",
     .tap = "tap2", .card = "virtio-net-pci,netdev=wire,romfile=,mac=52:54:00:00:00:02"},
    {.cpus = 1, .first_core = 2, .console = "/dev/ttyS2", .kernel = "/guest/vmlinux-device", .ram_disk = "/guest/wire.cpio",
     .tap = "tap3", .card = "virtio-net-pci,netdev=wire,romfile=,mac=52:54:00:00:00:03"},
};

/// The leanest machine that QEMU has. Without its clock Linux would wait for one, reading its ports 40,000 times.
#define LEANEST "microvm,accel=kvm,acpi=off,pit=off,pic=off,rtc=on,isa-serial=on,auto-kernel-cmdline=off"
/// Messages are interrupts (MSI-X) only on a PCI bus, which spares an exit for each. microvm's needs ACPI tables, which QEMU 7.2
/// lets the RAM disk overwrite there.
#define WITH_BUS "q35,accel=kvm,pit=off,pic=off,hpet=off,smm=off,vmport=off,sata=off,smbus=off,usb=off"

static char *const environment[] = {"PATH=/usr/bin:/bin", "HOME=/", 0};

/// In the child: becomes the virtual machine monitor, which waits for `cont` before its first guest instruction.
static void execute(struct vm *vm, int commands, char *kernel_parameters) {
    char serial[64], cpus[8], net[96];
    unsigned long io = 1UL << IO_CORE;
    append(append(serial, "serial,id=com1,path="), vm->console);
    append_number(cpus, vm->cpus);
    word log = call3(__NR_open, "/tmp/vmm.log", 01 | 0100 | 02000, 0600);    // O_WRONLY | O_CREAT | O_APPEND
    call2(__NR_dup2, commands, 0);
    call2(__NR_dup2, log, 1);
    call2(__NR_dup2, log, 2);
    if (vm->tap) call3(__NR_sched_setaffinity, 0, sizeof io, &io);
    append(append(net, "tap,id=wire,vhost=on,script=no,downscript=no,ifname="), vm->tap ? vm->tap : "");
    char *const arguments[] = {
        "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
        "-machine", vm->tap ? WITH_BUS : LEANEST, "-bios", "qboot.rom",
        "-cpu", "host", "-smp", cpus, "-m", vm->tap ? "256M" : "128M",
        // All memory locked; HLT and the like stay in the guest.
        "-overcommit", "mem-lock=on", "-overcommit", "cpu-pm=on",
        "-kernel", vm->kernel, "-initrd", vm->ram_disk, "-append", kernel_parameters,
        "-chardev", serial, "-serial", "chardev:com1", "-chardev", "stdio,id=monitor,signal=off",
        "-mon", "chardev=monitor,mode=readline", "-name", "guest,debug-threads=on", "-S",
        // Those without a wire end here.
        vm->tap ? "-netdev" : 0, net, "-device", vm->card,
        // What the guest prints is kept in memory, as much as Bulkhead keeps.
        "-device", "virtio-serial-pci", "-chardev", "ringbuf,id=hvc,size=16384", "-device", "virtconsole,chardev=hvc", 0,
    };
    call3(__NR_execve, "/usr/bin/qemu-system-x86_64", arguments, environment);
    quit(127);
}

/// The thread that runs virtual processor `cpu`, told by its name; 0 when there is none yet.
static word find_thread(word process, int cpu) {
    char path[64], wanted[24];
    append(append_number(append(wanted, "CPU "), cpu), "/KVM\n");
    append(append_number(append(path, "/proc/"), process), "/task");
    return find_task(path, wanted);
}

/// One virtual processor a core, and nothing else there. 0 when it could not be done.
static int pin(struct vm *vm) {
    for (int cpu = 0; cpu < vm->cpus; cpu++) {
        word thread = find_thread(vm->process, cpu);
        unsigned long core = 1UL << (vm->first_core + cpu);
        int priority = 90;
        if (!thread) return 0;
        if (call3(__NR_sched_setaffinity, thread, sizeof core, &core) != 0) return 0;
        if (call3(__NR_sched_setscheduler, thread, 1, &priority) != 0) return 0;     // SCHED_FIFO
    }
    return 1;
}

void vm_log(void) {
    static char log[1024];
    read_text("/tmp/vmm.log", log, sizeof log);
    say(log);
    say("\n");
}

void vm_start(int index, char *kernel_parameters) {
    struct vm *vm = &vms[index];
    int ends[2];
    if (vm->tap && !wire_prepare()) return say("@host error the wire's drivers do not load\n");
    if (vm->process || call2(__NR_pipe2, ends, 02000000) != 0) return say("@host error runs already\n");   // O_CLOEXEC
    vm->process = fork();
    if (vm->process == 0) execute(vm, ends[0], kernel_parameters);
    close(ends[0]);
    vm->monitor = ends[1];
    for (int tries = 0; tries < 600 && !pin(vm); tries++) {
        sleep_ms(100);
        if (wait_for(vm->process, WNOHANG) != 0) {
            vm->process = 0;
            say("@host error the virtual machine monitor has ended: ");
            return vm_log();
        }
    }
    if (!pin(vm)) return say("@host error the virtual processors cannot be pinned\n");
    if (vm->tap && !wire_connect(vm)) return say("@host error the tap cannot be connected\n");
    say("@host start vm=");
    say_number(index);
    say("\n");
    write(vm->monitor, "cont\n", 5);
}

void vm_statistics(int index) {
    struct vm *vm = &vms[index];
    static char entries[8192];
    char path[160], prefix[16], value[24];
    // The folder is named by the monitor's process and by one of its files: "123-11".
    *append(append_number(prefix, vm->process), "-") = 0;
    word folder = open("/sys/kernel/debug/kvm", 0200000);
    if (folder < 0 || !vm->process) return say("@host error no counters\n");
    char *name = 0;
    word bytes = call3(__NR_getdents64, folder, entries, sizeof entries);
    close((int)folder);
    for (word at = 0; at < bytes && !name; at += *(unsigned short *)(entries + at + 16)) {
        const char *p = prefix, *n = entries + at + 19;
        while (*p && *p == *n) p++, n++;
        if (!*p) name = entries + at + 19;
    }
    if (!name) return say("@host error no counters of this machine\n");
    char *file = append(append(append(path, "/sys/kernel/debug/kvm/"), name), "/");
    folder = open(path, 0200000);
    say("@host statistics vm=");
    say_number(index);
    while ((bytes = call3(__NR_getdents64, folder, entries, sizeof entries)) > 0) {
        for (word at = 0; at < bytes; at += *(unsigned short *)(entries + at + 16)) {
            const char *counter = entries + at + 19;
            if (entries[at + 18] != 8) continue;             // DT_REG
            append(file, counter);
            read_text(path, value, sizeof value);
            long count = number(value);
            if (count <= 0) continue;
            say(" ");
            say(counter);
            say("=");
            say_number(count);
        }
    }
    close((int)folder);
    say("\n");
}
