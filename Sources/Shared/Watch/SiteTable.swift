/// What the tool has found in a kernel's image (`\BULKHEAD\<image>.sites`): where its parts lie, and each place of its text that it
/// patches while it runs. Little endian, in words of 64 bits: magic, two words of sizes, the number of sites, the sites in ascending
/// order. Nothing in it is believed: a word that makes no sense makes a table that locks nothing, or a site that allows nothing.
@safe
public struct SiteTable {
    /// "BHSITES2".
    public static let magic: UInt64 = 0x3253_4554_4953_4842
    public static let headerSize = 32

    private let bytes: UnsafeRawBufferPointer

    /// Nil for what is no such table. The bytes stay where they are.
    @unsafe public init?(_ bytes: UnsafeRawBufferPointer) {
        unsafe self.bytes = bytes
        guard bytes.count >= Self.headerSize, self[0] == Self.magic,
            self[3] <= UInt64(bytes.count - Self.headerSize) / 8,
            text ~= entry, !constants.isEmpty
        else { return nil }
    }

    private subscript(index: Int) -> UInt64 {
        unsafe UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self))
    }

    /// From the kernel's first byte of text on, whole pages.
    public var text: Range<UInt64> { 0..<self[1] & 0xFFFF_F000 }
    public var constants: Range<UInt64> {
        let first = self[1] >> 32 & 0xFFFF_F000
        return first..<first + self[2] & 0xFFFF_F000
    }
    /// Where the entry of system calls lies.
    public var entry: UInt64 { self[2] >> 32 }

    /// The site that the byte at `offset` of the text belongs to; nil where it belongs to none.
    public func site(around offset: UInt64) -> PatchSite? {
        // Behind the header: the first site that begins behind that byte, and the one before it.
        var low = 4, high = 4 + Int(self[3])
        while low < high {
            let middle = (low + high) / 2
            if PatchSite(rawValue: self[middle]).offset <= offset { low = middle + 1 } else { high = middle }
        }
        let site = PatchSite(rawValue: low > 4 ? self[low - 1] : .max)
        return site.offset <= offset && offset - site.offset < site.length ? site : nil
    }

    /// Whether each byte that differs in `range` of two buffers of one size is of the kernel's own patching.
    /// - Parameter start: where in the text both begin.
    public func allows(
        _ range: Range<Int>, of new: UnsafeRawBufferPointer, insteadOf old: UnsafeRawBufferPointer, at start: UInt64
    ) -> Bool {
        for at in range where unsafe new[at] != old[at] {
            guard text ~= start &+ UInt64(at), let site = site(around: start &+ UInt64(at)), site.offset >= start,
                site.offset - start + site.length <= UInt64(new.count)
            else { return false }
            var value: UInt64 = 0
            for i in 0..<site.length { value |= unsafe UInt64(new[Int(site.offset - start + i)]) << (i * 8) }
            guard site.allows(value, textSize: text.upperBound) else { return false }
        }
        return true
    }
}

/// One place of a kernel's text that the kernel itself patches, and what may stand there. Linux writes INT3 over the first byte, then
/// the rest, then the first byte (`text_poke_bp`), so that a processor that comes by in between traps; bytes may come one by one.
public struct PatchSite: Sendable {
    /// Bits 27:0 the place in the text, 31:28 the kind, 63:32 how far a jump label leads: 0 a jump label of two bytes, 1 one of five; 2 a
    /// static call, or its trampoline: five bytes that call, jump, return or do nothing. Where to is data of the kernel's; what
    /// is allowed is all of its own text. Any other kind allows nothing.
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    public var offset: UInt64 { rawValue & 0xFFF_FFFF }
    private var kind: UInt64 { rawValue >> 28 & 15 }
    public var length: UInt64 { kind == 0 ? 2 : 5 }

    /// Whether `value`, the site's bytes with the first one lowest, is what the kernel may leave there, or is on its way to.
    public func allows(_ value: UInt64, textSize: UInt64) -> Bool {
        let first = value & 0xFF, last = value >> 32, isTrap = first == 0xCC, nop: UInt64 = 0x00_0044_1F0F
        if kind < 2 {
            let off = kind == 0 ? 0x9066 : nop, on = (rawValue >> 32) << 8 | (kind == 0 ? 0xEB : 0xE9)
            // Behind INT3 each byte is of one or of the other.
            var isMixed = isTrap
            for shift in stride(from: 8, to: length * 8, by: 8) {
                let byte = value >> shift & 0xFF
                isMixed = isMixed && (byte == off >> shift & 0xFF || byte == on >> shift & 0xFF)
            }
            return isMixed || value == off || value == on
        }
        if kind > 2 { return false }
        // Until the first byte is back, three of those behind it may be of any call; the last one of one within reach.
        if isTrap { return last <= 1 || last == 0xC0 || last == 0xCC || last >= 0xFE }
        if first & 0xFE == 0xE8 {
            let distance = UInt64(bitPattern: Int64(Int32(truncatingIfNeeded: value >> 8)))
            return offset &+ 5 &+ distance < textSize
        }
        // NOP; XOR EAX, EAX with three prefixes, for a call that returns 0; RET and INT3 behind it.
        return value == nop || value == 0xC0_312E_2E2E || value == 0xCC_CCCC_CCC3
    }
}
