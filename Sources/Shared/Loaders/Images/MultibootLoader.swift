import Platform

/// Loads a multiboot image: 32-bit protected mode, EAX = magic, EBX = information structure (sections 3.2, 3.3).
func loadMultiboot(
    _ image: ImageReader, _ header: MultibootHeader, elf: ELFImage?, _ context: borrowing BootContext,
    _ memory: borrowing GuestMemory
) throws(LoadError) -> GuestEntry {
    try header.checkRequirements()
    let end: UInt64
    let address: UInt64
    if header.hasAddresses {
        (address, end) = try loadByAddresses(image, header, memory)
    } else {
        guard let elf else { throw .noBootProtocol }
        end = try elf.loadSegments(into: memory)
        address = try elf.physical(elf.entry)
    }
    let initrd = try context.placeInitrd(above: end, below: GuestMemory.lowLimit, in: memory)
    writeMultibootInfo(context, initrd: initrd, to: memory)
    var entry = GuestEntry(mode: .protected32, rip: address)
    entry.rax = 0x2BAD_B002
    entry.rbx = LowMemory.startInfo
    return entry
}

/// Loads by the address fields of the header (section 3.1.3).
/// - Returns: the entry and the first address behind the image.
private func loadByAddresses(
    _ image: ImageReader, _ header: MultibootHeader, _ memory: borrowing GuestMemory
) throws(LoadError) -> (entry: UInt64, end: UInt64) {
    let headerAddress = UInt64(try image.load(UInt32.self, at: header.offset + 12))
    let load = UInt64(try image.load(UInt32.self, at: header.offset + 16))
    let loadEnd = UInt64(try image.load(UInt32.self, at: header.offset + 20))
    let bssEnd = UInt64(try image.load(UInt32.self, at: header.offset + 24))
    let entry = UInt64(try image.load(UInt32.self, at: header.offset + 28))
    // The load address corresponds to the byte as far before the header as the two addresses differ.
    guard load <= headerAddress, headerAddress - load <= header.offset else { throw .badHeader }
    let offset = header.offset - (headerAddress - load)
    guard loadEnd == 0 || loadEnd >= load, bssEnd == 0 || bssEnd >= loadEnd else { throw .badHeader }
    let size = loadEnd == 0 ? image.count - offset : loadEnd - load
    let end = max(load + size, bssEnd)
    let source = unsafe try image.slice(at: offset, count: size)
    unsafe try BootContext.place(source, at: load, size: end - load, in: memory)
    guard entry >= load, entry < load + size else { throw .entryOutsideImage }
    return (entry, end)
}

private func writeMultibootInfo(
    _ context: borrowing BootContext, initrd: UInt64, to memory: borrowing GuestMemory
) {
    let info = LowMemory.startInfo
    let map = context.map(memory)
    // Valid: memory sizes, command line, modules, memory map.
    memory.store(0b100_1101 as UInt32, at: info)
    memory.store(UInt32(LowMemory.usableEnd >> 10), at: info + 4)
    memory.store(UInt32((context.eventLog.lowerBound - LowMemory.end) >> 10), at: info + 8)
    memory.store(UInt32(LowMemory.commandLine), at: info + 16)
    memory.store((initrd == 0 ? 0 : 1) as UInt32, at: info + 20)
    memory.store(UInt32(LowMemory.modules), at: info + 24)
    memory.store(UInt32(map.count * 24), at: info + 44)
    memory.store(UInt32(LowMemory.memoryMap), at: info + 48)
    for i in 0..<map.count {
        let entry = LowMemory.memoryMap + UInt64(i) * 24
        memory.store(20 as UInt32, at: entry)  // of the rest of the entry
        memory.store(map.ranges[i].start, at: entry + 4)
        memory.store(map.ranges[i].size, at: entry + 12)
        memory.store(map.ranges[i].kind.rawValue, at: entry + 20)
    }
    memory.store(UInt32(truncatingIfNeeded: initrd), at: LowMemory.modules)
    memory.store(UInt32(truncatingIfNeeded: initrd + context.initrdSize), at: LowMemory.modules + 4)
}
