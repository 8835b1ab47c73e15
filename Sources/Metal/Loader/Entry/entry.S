// The first instructions of a partition: 32-bit protected mode with flat segments, no paging; everything else is zero.
#include "layout.h"

    .section .text.loader_entry, "ax"
    .code32
    .globl loader_entry
loader_entry:
    movl $LOADER_END, %esp
    // Four directories of 2 MiB pages for the low 4 GiB, one to one, and three for the images' window, read-only.
    movl $(LOADER_TABLES + 0x2000), %edi
    movl $0x83, %eax
    xorl %edx, %edx
    movl $2048, %ecx
    call fill
    movl LOADER_FACTS + FACTS_WINDOW, %eax
    movl LOADER_FACTS + FACTS_WINDOW + 4, %edx
    orl $0x81, %eax
    movl $1536, %ecx
    call fill
    // The window follows at 4 GiB; all is there again from 512 GiB on, since Swift has no object at address 0.
    movl $(LOADER_TABLES + 0x1000), %edi
    movl $(LOADER_TABLES + 0x2003), %eax
    movl $7, %ecx
1:  movl %eax, (%edi)
    addl $8, %edi
    addl $0x1000, %eax
    loop 1b
    movl $(LOADER_TABLES + 0x1003), %eax
    movl %eax, LOADER_TABLES
    movl %eax, LOADER_TABLES + 8
    movl $LOADER_TABLES, %eax
    movl %eax, %cr3
    movl %cr4, %eax
    orl $0x20, %eax             // PAE
    movl %eax, %cr4
    movl $0xC0000080, %ecx
    movl $0x100, %eax           // EFER.LME
    xorl %edx, %edx
    wrmsr
    movl %cr0, %eax
    orl $0x80000000, %eax       // PG
    movl %eax, %cr0
    lgdt descriptors
    ljmp $0x10, $long_mode

// Writes ECX entries for consecutive pages of 2 MiB, from EDX:EAX on, to EDI on.
fill:
    movl %eax, (%edi)
    movl %edx, 4(%edi)
    addl $8, %edi
    addl $0x200000, %eax
    adcl $0, %edx
    loop fill
    ret

    .code64
long_mode:
    xorl %ebp, %ebp
    callq loader_main
    ud2

    .balign 8
descriptors:
    .word 0x1F
    .long table
    .balign 8
table:
    .quad 0, 0
    .quad 0x00AF9B000000FFFF    // 10h: 64-bit code
    .quad 0x00CF93000000FFFF    // 18h: data

// SwiftPM asks the linker for this name in executables; nothing calls it.
    .globl Loader_main
Loader_main:
    ud2
