import Glibc
import Loaders
import Platform

/// Runs `body` with a guest's memory of `size` bytes, clear at first as the hypervisor hands it over.
public func withMemory<R, E: Error>(
    _ size: UInt64 = 64 << 20, locked: Range<UInt64> = 0..<0, _ body: (borrowing GuestMemory) throws(E) -> R
) throws(E) -> R {
    guard let base = calloc(Int(size), 1) else { fatalError("no memory for the test") }
    defer { free(base) }
    return try body(GuestMemory(base: base, size: size, locked: [locked, 0..<0, 0..<0]))
}

public func description(
    vcpus: [UInt32] = [0], memory: UInt64 = 64 << 20, console: Bool = true
) -> PlatformDescription {
    var platform = PlatformDescription(
        memorySize: memory, console: console, tscKHz: 2_000_000, bootTime: 1_700_000_000, bootTSC: 1_000)
    for id in vcpus { platform.append(apicID: id) }
    return platform
}

extension GuestMemory {
    public func array(at gpa: UInt64, _ count: Int) -> [UInt8]? { bytes(at: gpa, count: count).map { Array($0) } }
    public func text(at gpa: UInt64) -> String {
        var characters: [UInt8] = []
        while let byte = load(UInt8.self, at: gpa + UInt64(characters.count)), byte != 0 { characters.append(byte) }
        return String(decoding: characters, as: UTF8.self)
    }
}
