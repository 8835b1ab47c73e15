// Multiboot 1 header: pages aligned (bit 0), memory information wanted (bit 1).
    .section .multiboot, "a"
    .balign 4
    .long 0x1BADB002, 3, -(0x1BADB002 + 3)
