import Platform

/// Puts a guest into memory: the image, its initrd and what is handed to it as a secret, its command line, ACPI tables, the boot
/// protocol's structures, page tables, descriptors and the reset stub. `memory` should be clear; everything read later is written or
/// cleared here.
///
/// The format is recognised by content, in this order:
/// 1. Linux bzImage: 64-bit boot protocol (Linux Documentation/arch/x86/boot.rst), entry 200h behind the load address;
/// 2. 64-bit ELF with a note of the vendor "Linux", which every Linux kernel carries: the same protocol at the ELF entry. It is
///    preferred to the kernel's PVH note since it starts in 64-bit mode with the tables made here;
/// 3. ELF, of 32 bits too, with a PVH note (Xen public headers, `XEN_ELFNOTE_PHYS32_ENTRY`): 32-bit entry, start info version
///    1;
/// 4. multiboot 1 (ELF, or the address fields of the header): 32-bit entry.
///
/// The work is bounded by the sizes of the images and of the memory.
public func loadGuest(
    kernel: UnsafeRawBufferPointer, initrd: UnsafeRawBufferPointer?,
    secret: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0), commandLine: Span<UInt8>,
    platform: borrowing PlatformDescription, memory: borrowing GuestMemory
) throws(LoadError) -> GuestEntry {
    guard memory.size >= 16 << 20 else { throw .memoryTooSmall }
    guard platform.memorySize == memory.size else { throw .memoryMismatch }
    // One byte of the page stays for the terminating zero.
    guard commandLine.count < LowMemory.commandLineCapacity else { throw .commandLineTooLong }
    memory.zero(at: LowMemory.bootData, count: LowMemory.bootDataEnd - LowMemory.bootData)
    memory.zero(at: LowMemory.acpi, count: LowMemory.end - LowMemory.acpi)
    memory.copy(from: commandLine, to: LowMemory.commandLine)
    let rsdp = writeACPITables(platform, to: memory)

    let image = unsafe ImageReader(kernel)
    // An empty module is no module.
    let present = unsafe initrd.flatMap { unsafe $0.isEmpty ? nil : $0 }
    let context = unsafe BootContext(
        initrd: present, secret: secret, rsdp: rsdp, commandLineCount: commandLine.count, hasBus: platform.hasBus,
        eventLog: platform.eventLog)
    let entry = try load(image, context, memory)

    writeDescriptors(entry.mode, to: memory)
    if entry.mode == .long64 { writePageTables(to: memory) }
    writeResetStub(to: memory)
    return entry
}

private func load(
    _ image: ImageReader, _ context: borrowing BootContext, _ memory: borrowing GuestMemory
) throws(LoadError) -> GuestEntry {
    if LinuxHeader.isPresent(in: image) { return try loadCompressedLinux(image, context, memory) }
    if ELFImage.isPresent(in: image) {
        let elf = try ELFImage(image)
        let notes = try elf.notes()
        if notes.isLinux, elf.is64 || notes.pvhEntry == nil { return try loadLinux(elf, context, memory) }
        if let entry = notes.pvhEntry { return try loadPVH(elf, entry: entry, context, memory) }
        guard let header = try MultibootHeader.find(in: image) else { throw .noBootProtocol }
        return try loadMultiboot(image, header, elf: elf, context, memory)
    }
    guard let header = try MultibootHeader.find(in: image) else { throw .unknownFormat }
    return try loadMultiboot(image, header, elf: nil, context, memory)
}
