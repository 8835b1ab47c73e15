import Platform
import Testing
import UnitSupport

@testable import Loaders

/// Loads as the loader does, from arrays.
func load(
    _ kernel: [UInt8], initrd: [UInt8]? = nil, secret: [UInt8] = [], commandLine: String = "",
    memory: borrowing GuestMemory,
    platform: PlatformDescription? = nil
) throws(LoadError) -> GuestEntry {
    let line = Array(commandLine.utf8)
    let storage = initrd ?? []
    let kernelCopy = UnsafeMutableRawBufferPointer.allocate(byteCount: kernel.count, alignment: 1)
    let initrdCopy = UnsafeMutableRawBufferPointer.allocate(byteCount: storage.count, alignment: 1)
    defer {
        kernelCopy.deallocate()
        initrdCopy.deallocate()
    }
    kernelCopy.copyBytes(from: kernel)
    initrdCopy.copyBytes(from: storage)
    let secretCopy = UnsafeMutableRawBufferPointer.allocate(byteCount: secret.count, alignment: 1)
    defer { secretCopy.deallocate() }
    secretCopy.copyBytes(from: secret)
    return try loadGuest(
        kernel: UnsafeRawBufferPointer(kernelCopy),
        initrd: initrd == nil ? nil : UnsafeRawBufferPointer(initrdCopy),
        secret: UnsafeRawBufferPointer(secretCopy), commandLine: line.span,
        platform: platform ?? description(memory: memory.size), memory: memory)
}

/// One of a guest's ACPI tables, found by the XSDT: whole, in its place and with a checksum; nil where there is none.
func acpiTable(
    _ signature: String, _ platform: PlatformDescription, in memory: borrowing GuestMemory
) -> [UInt8]? {
    let rsdp = writeACPITables(platform, to: memory), xsdt = memory.load(UInt64.self, at: rsdp + 24) ?? 0
    let end = UInt64(memory.load(UInt32.self, at: xsdt + 4) ?? 0)
    for entry in stride(from: 36, to: end, by: 8) {
        let at = memory.load(UInt64.self, at: xsdt + entry) ?? 0
        let size = Int(memory.load(UInt32.self, at: at + 4) ?? 0)
        let bytes = memory.array(at: at, size) ?? []
        guard bytes.starts(with: Array(signature.utf8)) else { continue }
        #expect(at + UInt64(size) <= LowMemory.acpiEnd && bytes.reduce(0, &+) == 0)
        return bytes
    }
    return nil
}

/// A number of `size` bytes, the least significant one first.
func little(_ bytes: [UInt8], _ at: Int, _ size: Int) -> UInt64 {
    (0..<size).reduce(0) { $0 | UInt64(bytes[at + $1]) << (8 * UInt64($1)) }
}
