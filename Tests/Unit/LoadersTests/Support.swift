import Platform
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
