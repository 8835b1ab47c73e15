import Platform

/// Writes one ACPI table at a time into guest memory and seals it with its length and checksum (ACPI 6.5, 5.2.6).
struct TableWriter: ~Copyable {
    static let headerSize: UInt64 = 36
    let start: UInt64
    private(set) var at: UInt64

    /// Begins a table at `start` with the standard header.
    init(_ signature: StaticString, revision: UInt8, at start: UInt64, in memory: borrowing GuestMemory) {
        self.start = start
        at = start
        text(signature, in: memory)
        put(0 as UInt32, in: memory)
        put(revision, in: memory)
        put(0 as UInt8, in: memory)
        text("BULKHD", in: memory)
        text("BULKHEAD", in: memory)
        put(1 as UInt32, in: memory)
        text("BLKH", in: memory)
        put(1 as UInt32, in: memory)
    }

    mutating func put<T: FixedWidthInteger & BitwiseCopyable>(_ value: T, in memory: borrowing GuestMemory) {
        memory.store(value, at: at)
        at += UInt64(MemoryLayout<T>.size)
    }

    mutating func text(_ text: StaticString, in memory: borrowing GuestMemory) {
        for i in 0..<text.utf8CodeUnitCount { unsafe put(text.utf8Start[i], in: memory) }
    }

    /// Continues at a field's offset from the start of the table; what lies between stays zero.
    mutating func seek(_ offset: UInt64) { at = start + offset }

    /// A generic address structure (5.2.3.2) of one byte in I/O space.
    mutating func ioRegister(_ port: UInt16, in memory: borrowing GuestMemory) {
        put(1 as UInt8, in: memory)  // system I/O
        put(8 as UInt8, in: memory)  // bits
        put(0 as UInt8, in: memory)
        put(1 as UInt8, in: memory)  // byte access
        put(UInt64(port), in: memory)
    }

    /// Ends the table here.
    /// - Returns: where the next may begin, 16-byte aligned.
    consuming func seal(in memory: borrowing GuestMemory) -> UInt64 {
        memory.store(UInt32(at - start), at: start + 4)
        memory.store(checksum(start..<at, in: memory), at: start + 9)
        return (at + 15) & ~15
    }
}

/// The byte that makes the bytes of `range` add up to 0.
func checksum(_ range: Range<UInt64>, in memory: borrowing GuestMemory) -> UInt8 {
    var sum: UInt8 = 0
    for at in range { sum &+= memory.load(UInt8.self, at: at) ?? 0 }
    return 0 &- sum
}
