import Platform

/// Loads a bzImage; the kernel inside decompresses itself.
func loadCompressedLinux(
    _ image: ImageReader, _ context: borrowing BootContext, _ memory: borrowing GuestMemory
) throws(LoadError) -> GuestEntry {
    let header = try LinuxHeader(image)
    guard UInt64(context.commandLineCount) <= header.commandLineLimit else { throw .commandLineTooLong }
    let available = image.count > header.payload ? image.count - header.payload : 0
    // The last paragraph may be cut short by an image that is not padded.
    guard available + 15 >= header.payloadSize else { throw .truncated }
    let source = unsafe try image.slice(at: header.payload, count: min(available, header.payloadSize))
    let size = max(header.payloadSize, header.initSize)
    try BootContext.check(header.loadAddress, size, in: memory)
    guard header.loadAddress >= LowMemory.end else { throw .overlapsBootData }
    // What lies behind the payload is the kernel's own scratch space; it is clear like all memory of a new guest.
    guard unsafe memory.copy(from: source, to: header.loadAddress) else { throw .outsideMemory }
    let initrd = try context.placeInitrd(
        above: header.loadAddress + size, below: header.initrdLimit, in: memory)
    unsafe memory.copy(
        from: try image.slice(at: LinuxHeader.start, count: header.size), to: LowMemory.startInfo + LinuxHeader.start)
    writeBootParameters(context, initrd: initrd, to: memory)
    return linuxEntry(header.loadAddress + 0x200)
}

/// Loads a decompressed kernel (`vmlinux`), which has no setup header of its own.
func loadLinux(
    _ elf: ELFImage, _ context: borrowing BootContext, _ memory: borrowing GuestMemory
) throws(LoadError) -> GuestEntry {
    guard elf.is64 else { throw .no64BitEntry }
    // COMMAND_LINE_SIZE of x86, with its zero.
    guard context.commandLineCount < 2048 else { throw .commandLineTooLong }
    let end = try elf.loadSegments(into: memory)
    let entry = try elf.physical(elf.entry)
    let initrd = try context.placeInitrd(above: end, below: 1 << 31, in: memory)
    let parameters = LowMemory.startInfo
    memory.store(0xAA55 as UInt16, at: parameters + 0x1FE)
    memory.store(0x5372_6448 as UInt32, at: parameters + 0x202)  // "HdrS"
    memory.store(0x020F as UInt16, at: parameters + 0x206)  // protocol version
    memory.store(0x20_0000 as UInt32, at: parameters + 0x230)  // kernel_alignment
    writeBootParameters(context, initrd: initrd, to: memory)
    return linuxEntry(entry)
}

private func linuxEntry(_ address: UInt64) -> GuestEntry {
    var entry = GuestEntry(mode: .long64, rip: address)
    entry.rsi = LowMemory.startInfo
    return entry
}

/// The fields of `boot_params` that a boot loader fills in (Linux Documentation/arch/x86/zero-page.rst).
private func writeBootParameters(
    _ context: borrowing BootContext, initrd: UInt64, to memory: borrowing GuestMemory
) {
    let parameters = LowMemory.startInfo
    memory.store(context.rsdp, at: parameters + 0x070)
    memory.store(0xFF as UInt8, at: parameters + 0x210)  // type_of_loader: none that is registered
    memory.store(0x01 as UInt8, at: parameters + 0x211)  // loadflags: LOADED_HIGH
    memory.store(UInt32(truncatingIfNeeded: initrd), at: parameters + 0x218)
    memory.store(UInt32(truncatingIfNeeded: context.initrdSize), at: parameters + 0x21C)
    memory.store(UInt32(LowMemory.commandLine), at: parameters + 0x228)
    let map = context.map(memory)
    memory.store(UInt8(map.count), at: parameters + 0x1E8)
    for i in 0..<map.count {
        let entry = parameters + 0x2D0 + UInt64(i) * 20
        memory.store(map.ranges[i].start, at: entry)
        memory.store(map.ranges[i].size, at: entry + 8)
        memory.store(map.ranges[i].kind.rawValue, at: entry + 16)
    }
}
