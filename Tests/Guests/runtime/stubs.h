// entry_stubs TARGET: 256 entry stubs of 16 bytes: an error code where the processor pushed none, the vector, then TARGET.
    .macro entry_stubs target
    .balign 16
    .set vector, 0
    .rept 256
    .balign 16
    .if !(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21 || vector == 29 || vector == 30)
    pushq $0
    .endif
    pushq $vector
    jmp \target
    .set vector, vector + 1
    .endr
    .endm
