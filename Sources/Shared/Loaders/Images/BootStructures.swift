import Platform

/// Writes the descriptor table that the entry state of `mode` needs (AMD APM vol. 2, 4.8).
func writeDescriptors(_ mode: GuestEntry.Mode, to memory: borrowing GuestMemory) {
    let code: UInt64 = mode == .long64 ? 0x00AF_9B00_0000_FFFF : 0x00CF_9B00_0000_FFFF
    let table: [5 of UInt64] = [0, 0, code, 0x00CF_9300_0000_FFFF, 0x0000_8B00_0000_0067]
    for i in 0..<5 { memory.store(table[i], at: LowMemory.gdt + UInt64(i) * 8) }
}

/// Maps the low 4 GiB one to one with 2 MiB pages (AMD APM vol. 2, 5.3): a PML4, a PDPT and four directories.
func writePageTables(to memory: borrowing GuestMemory) {
    let pml4 = LowMemory.pageTables
    let pdpt = pml4 + 0x1000
    let presentWritable: UInt64 = 0x3
    memory.zero(at: pml4, count: 0x2000)
    memory.store(pdpt | presentWritable, at: pml4)
    for gib in 0..<4 as Range<UInt64> {
        let directory = pdpt + 0x1000 + gib * 0x1000
        memory.store(directory | presentWritable, at: pdpt + gib * 8)
        for entry in 0..<512 as Range<UInt64> {
            let large: UInt64 = 1 << 7
            memory.store(gib << 30 | entry << 21 | large | presentWritable, at: directory + entry * 8)
        }
    }
}

/// Writes what a vCPU executes when its guest resets it to FFFFFFF0h's twin below 1 MiB: a reset request to the
/// keyboard controller (`mov al, 0feh; out 64h, al`), then a halt for ever.
func writeResetStub(to memory: borrowing GuestMemory) {
    let code: [7 of UInt8] = [0xB0, 0xFE, 0xE6, 0x64, 0xF4, 0xEB, 0xFD]
    memory.copy(from: code.span, to: LowMemory.resetStub)
}
