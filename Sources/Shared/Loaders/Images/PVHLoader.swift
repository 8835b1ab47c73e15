import Platform

/// Loads an ELF file by its PVH entry: 32-bit protected mode, EBX = start info (Xen docs/misc/pvh.pandoc and
/// public/arch-x86/hvm/start_info.h, version 1).
func loadPVH(
    _ elf: ELFImage, entry address: UInt64, _ context: borrowing BootContext, _ memory: borrowing GuestMemory
) throws(LoadError) -> GuestEntry {
    let end = try elf.loadSegments(into: memory)
    guard try elf.physical(address) == address else { throw .entryOutsideImage }
    let initrd = try context.placeInitrd(above: end, below: GuestMemory.lowLimit, in: memory)

    let info = LowMemory.startInfo
    let map = context.map(memory)
    memory.store(0x336E_C578 as UInt32, at: info)
    memory.store(1 as UInt32, at: info + 4)  // version
    memory.store((initrd == 0 ? 0 : 1) as UInt32, at: info + 12)
    memory.store(initrd == 0 ? 0 : LowMemory.modules, at: info + 16)
    memory.store(LowMemory.commandLine, at: info + 24)
    memory.store(context.rsdp, at: info + 32)
    memory.store(LowMemory.memoryMap, at: info + 40)
    memory.store(UInt32(map.count), at: info + 48)
    for i in 0..<map.count {
        let entry = LowMemory.memoryMap + UInt64(i) * 24
        memory.store(map.ranges[i].start, at: entry)
        memory.store(map.ranges[i].size, at: entry + 8)
        memory.store(map.ranges[i].kind.rawValue, at: entry + 16)
    }
    memory.store(initrd, at: LowMemory.modules)
    memory.store(context.initrdSize, at: LowMemory.modules + 8)

    var entry = GuestEntry(mode: .protected32, rip: address)
    entry.rbx = info
    return entry
}
