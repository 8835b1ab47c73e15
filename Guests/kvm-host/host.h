// What the parts of the KVM host's /init offer each other. Its console is COM2: COM1 is the guest's.
#pragma once
#include "../init/guest.h"

enum { VMS = 2 };

/// Virtual machine 0 has one virtual processor, on core 1; machine 1 has two, on cores 2 and 3.
struct vm {
    word process;           // the virtual machine monitor; 0 when it does not run
    int monitor;            // where its monitor reads commands
    int cpus, first_core;
    const char *console;    // the host's terminal that is the guest's COM1
    char *ram_disk;
};
extern struct vm vms[VMS];

/// Starts a virtual machine, its processors pinned before the first guest instruction; prints what happened.
void vm_start(int index, char *kernel_parameters);
/// Prints the kernel's own counters of the machine that are not 0.
void vm_statistics(int index);
/// Writes a text into a file of the kernel's; 0 when it could not.
int set(const char *path, const char *value);
/// A decimal number at the end of a text; the new end.
char *append_number(char *to, long n);
