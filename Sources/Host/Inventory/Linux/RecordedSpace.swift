import PCI

/// Configuration space as Linux shows it, for the hypervisor's own scan. Nothing is written to the machine: the sizes that a
/// scan finds by writing ones come from what Linux says of each register.
final class RecordedSpace: ConfigurationSpace {
    private let contents: [UInt16: [UInt8]]
    /// By function and offset: the size of the register, and whether another one goes on in the next doubleword.
    private var sizes: [UInt16: [Int: UInt64]] = [:]
    /// Base address registers to which ones have been written last.
    private var probed: Set<Int> = []

    /// - Parameters:
    ///   - contents: of each function, 64 bytes or more.
    ///   - resources: of each function, sizes of what Linux numbers 0 to 12: six registers, the ROM, six of virtual functions.
    init(contents: [UInt16: [UInt8]], resources: [UInt16: [UInt64]]) {
        self.contents = contents
        for (function, list) in resources {
            for (index, size) in list.prefix(6).enumerated() where size > 0 {
                sizes[function, default: [:]][0x10 + index * 4] = size
            }
        }
    }

    /// The size of one virtual function's register, at this offset of the physical function's configuration space.
    func add(_ function: UInt16, _ offset: Int, size: UInt64) { sizes[function, default: [:]][offset] = size }

    func read(_ function: UInt16, _ offset: Int, size: Int) -> UInt32 {
        if size == 4, probed.contains(Int(function) << 12 | offset) { return mask(function, offset) }
        guard let bytes = contents[function], offset + size <= bytes.count else { return .max }
        return (0..<size).reduce(0) { $0 | UInt32(bytes[offset + $1]) << UInt32(8 * $1) }
    }

    func write(_ function: UInt16, _ offset: Int, size: Int, _ value: UInt32) {
        let place = Int(function) << 12 | offset
        if size == 4, value == .max { probed.insert(place) } else { probed.remove(place) }
    }

    /// What a register of this size gives back when ones are written to it.
    private func mask(_ function: UInt16, _ offset: Int) -> UInt32 {
        let known = sizes[function] ?? [:]
        if let size = known[offset] {
            let flags = bytes(function, offset) & (bytes(function, offset) & 1 != 0 ? 3 : 0xF)
            return UInt32(truncatingIfNeeded: ~(size - 1)) & ~0xF | flags
        }
        // The upper half of a wide one.
        guard let size = known[offset - 4], bytes(function, offset - 4) & 7 == 4 else { return 0 }
        return UInt32(truncatingIfNeeded: ~(size - 1) >> 32)
    }

    private func bytes(_ function: UInt16, _ offset: Int) -> UInt32 {
        guard let bytes = contents[function], offset >= 0, offset + 4 <= bytes.count else { return 0 }
        return (0..<4).reduce(0) { $0 | UInt32(bytes[offset + $1]) << UInt32(8 * $1) }
    }
}
