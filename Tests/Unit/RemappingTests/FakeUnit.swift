import Remapping

/// Plays a unit's registers: records what is written, and answers as `react` says.
final class FakeUnit: RegisterFile {
    struct Write: Equatable {
        let offset: Int
        let value: UInt64
    }
    private(set) var writes: [Write] = []
    private(set) var reads = 0
    private(set) var writtenBack: [UInt64] = []
    var registers: [Int: UInt64] = [:]
    /// Called after each write with its offset and value.
    var react: (FakeUnit, Int, UInt64) -> Void = { _, _, _ in }

    func read32(_ offset: Int) -> UInt32 {
        reads += 1
        return UInt32(truncatingIfNeeded: registers[offset, default: 0])
    }
    func read64(_ offset: Int) -> UInt64 {
        reads += 1
        return registers[offset, default: 0]
    }
    func write32(_ offset: Int, _ value: UInt32) { write64(offset, UInt64(value)) }
    func write64(_ offset: Int, _ value: UInt64) {
        writes.append(Write(offset: offset, value: value))
        registers[offset] = value
        react(self, offset, value)
    }
    func writeBack(_ address: UInt64, _ bytes: UInt64) { writtenBack.append(address) }

    func clearAccesses() {
        writes = []
        reads = 0
    }
    /// The first write to `offset`, by its place in the order of all.
    func place(_ offset: Int) -> Int? { writes.firstIndex { $0.offset == offset } }
}

/// The bytes of a firmware table.
struct TableBytes {
    var bytes: [UInt8]

    /// - Parameter header: bytes before the first structure.
    init(_ signature: String, header: Int) {
        bytes = Array(signature.utf8) + [UInt8](repeating: 0, count: header - 4)
    }
    mutating func put(_ value: UInt64, _ size: Int) {
        for i in 0..<size { bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(8 * i))) }
    }
    mutating func put(_ more: [UInt8]) { bytes += more }
    /// With its length in the header.
    var sealed: [UInt8] {
        var sealed = bytes
        for i in 0..<4 { sealed[4 + i] = UInt8(truncatingIfNeeded: bytes.count >> (8 * i)) }
        return sealed
    }
}
