// What the parts of the KVM host's /init offer each other. Its console is COM2: COM1 is the guest's.
#pragma once
#include "../init/guest.h"

enum { VMS = 4, IO_CORE = 3 };

/// Virtual machine 0 has one virtual processor, on core 1; machine 1 has two, on cores 2 and 3. Machines 2 and 3 are the ends of
/// a wire, on cores 1 and 2; all that serves them runs on IO_CORE.
struct vm {
    word process;           // the virtual machine monitor; 0 when it does not run
    int monitor;            // where its monitor reads commands
    int cpus, first_core;
    const char *console;    // the host's terminal that is the guest's COM1
    char *kernel, *ram_disk;
    /// Its end of the wire: tap device and card; 0 where it has none.
    const char *tap;
    char *card;
};
extern struct vm vms[VMS];

/// Starts a virtual machine, its processors pinned before the first guest instruction; prints what happened.
void vm_start(int index, char *kernel_parameters);
/// Prints the kernel's own counters of the machine that are not 0.
void vm_statistics(int index);
/// Prints what the virtual machine monitors have said.
void vm_log(void);
/// Loads a driver of /modules; 0 when it could not, which it says.
int load_driver(const char *name, const char *options);
/// What taps need; 0 when a driver does not load. Does nothing when it is there.
int wire_prepare(void);
/// Connects a machine's tap with the bridge, and gives its vhost worker to IO_CORE; 0 when it could not.
int wire_connect(struct vm *vm);
/// The first task of a folder of /proc whose name is this one; 0 when there is none.
word find_task(const char *folder, const char *name);
/// Writes a text into a file of the kernel's; 0 when it could not.
int set(const char *path, const char *value);
/// A decimal number at the end of a text; the new end.
char *append_number(char *to, long n);
