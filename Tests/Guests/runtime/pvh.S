// XEN_ELFNOTE_PHYS32_ENTRY (18): where a PVH loader enters, in 32-bit protected mode without paging.
    .section .note.pvh, "a", @note
    .balign 4
    .long 4, 8, 18
    .asciz "Xen"
    .quad boot_entry
