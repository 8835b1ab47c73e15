import Glibc
import Platform

/// Runs `body` with a guest's memory of `size` bytes, clear at first as the hypervisor hands it over.
func withMemory<R, E: Error>(
    _ size: UInt64 = 64 << 20, _ body: (borrowing GuestMemory) throws(E) -> R
) throws(E) -> R {
    guard let base = calloc(Int(size), 1) else { fatalError("no memory for the test") }
    defer { free(base) }
    return try body(GuestMemory(base: base, size: size))
}

func description(vcpus: [UInt32] = [0], memory: UInt64 = 64 << 20, console: Bool = true) -> PlatformDescription {
    var platform = PlatformDescription(
        memorySize: memory, console: console, tscKHz: 2_000_000, bootTime: 1_700_000_000, bootTSC: 1_000)
    for id in vcpus { platform.append(apicID: id) }
    return platform
}

/// Loads as the hypervisor does, from arrays.
func load(
    _ kernel: [UInt8], initrd: [UInt8]? = nil, commandLine: String = "", memory: borrowing GuestMemory,
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
    return try loadGuest(
        kernel: UnsafeRawBufferPointer(kernelCopy),
        initrd: initrd == nil ? nil : UnsafeRawBufferPointer(initrdCopy),
        commandLine: line.span, platform: platform ?? description(memory: memory.size), memory: memory)
}

extension GuestMemory {
    func array(at gpa: UInt64, _ count: Int) -> [UInt8]? { bytes(at: gpa, count: count).map { Array($0) } }
    func text(at gpa: UInt64) -> String {
        var characters: [UInt8] = []
        while let byte = load(UInt8.self, at: gpa + UInt64(characters.count)), byte != 0 { characters.append(byte) }
        return String(decoding: characters, as: UTF8.self)
    }
}
