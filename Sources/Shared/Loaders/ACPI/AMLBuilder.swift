/// Encodes AML (ACPI 6.5, chapter 20) into a fixed buffer: the few terms that a small DSDT needs.
struct AMLBuilder: Sendable {
    static let capacity = 512
    private(set) var bytes: InlineArray<512, UInt8> = InlineArray(repeating: 0)
    private(set) var count = 0

    /// - Precondition: fewer than `capacity` bytes so far; the terms are the program's own, never a guest's.
    mutating func byte(_ value: UInt8) {
        bytes[count] = value
        count += 1
    }

    mutating func word(_ value: UInt16) {
        byte(UInt8(truncatingIfNeeded: value))
        byte(UInt8(truncatingIfNeeded: value >> 8))
    }

    mutating func double(_ value: UInt32) {
        word(UInt16(truncatingIfNeeded: value))
        word(UInt16(truncatingIfNeeded: value >> 16))
    }

    mutating func quad(_ value: UInt64) {
        double(UInt32(truncatingIfNeeded: value))
        double(UInt32(truncatingIfNeeded: value >> 32))
    }

    /// An ASCII name, or a string without its terminator.
    mutating func text(_ name: StaticString) {
        for i in 0..<name.utf8CodeUnitCount { unsafe byte(name.utf8Start[i]) }
    }

    /// Begins a term whose operator is followed by a PkgLength, which `end` fills in.
    mutating func begin(_ operation: UInt8, extended: Bool = false) -> Int {
        if extended { byte(0x5B) }
        byte(operation)
        word(0)
        return count - 2
    }

    /// Writes the length of all since `begin`, always in the two-byte form (20.2.4): bits 0-3 in the first byte, 4-11
    /// in the second.
    mutating func end(_ mark: Int) {
        let length = count - mark
        bytes[mark] = 0x40 | UInt8(length & 0xF)
        bytes[mark + 1] = UInt8(length >> 4)
    }

    /// `Name (name, ...)`; the object follows.
    mutating func name(_ name: StaticString) {
        byte(0x08)
        text(name)
    }

    mutating func integer(_ value: UInt8) {
        byte(0x0A)
        byte(value)
    }

    /// A string object.
    mutating func string(_ value: StaticString) {
        byte(0x0D)
        text(value)
        byte(0)
    }

    /// `EisaId ("PNPxxxx")`: compressed letters, then four hexadecimal digits, big endian (19.3.4).
    mutating func eisaID(_ letters: (UInt8, UInt8, UInt8), _ product: UInt16) {
        let packed =
            UInt16(letters.0 - 0x40) << 10 | UInt16(letters.1 - 0x40) << 5 | UInt16(letters.2 - 0x40)
        byte(0x0C)
        word(packed.byteSwapped)
        word(product.byteSwapped)
    }
}
