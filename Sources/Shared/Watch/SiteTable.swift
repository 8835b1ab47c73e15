/// What the tool has found in a kernel's image (`\BULKHEAD\<image>.sites`): where its parts lie, and each place of its text that it
/// patches while it runs. Little endian, in words of 64 bits: magic, two words of sizes, the number of sites, the sites in ascending
/// order. Nothing in it is believed: a word that makes no sense makes a table that locks nothing, or a site that allows nothing.
@safe
public struct SiteTable {
    /// "BHSITES1".
    public static let magic: UInt64 = 0x3153_4554_4953_4842
    public static let headerSize = 32
    /// No kernel's text, nor its constants, are larger: 32 MiB.
    public static let maxPart: UInt64 = 32 << 20
    /// Bytes that a file may have.
    public static let maxSize: UInt64 = 1 << 20

    private let bytes: UnsafeRawBufferPointer
    /// Bytes of text from the kernel's first on, whole pages.
    public let textSize: UInt64
    /// Where constants begin, from the first byte of text, and their bytes; whole pages.
    public let constantsOffset: UInt64
    public let constantsSize: UInt64
    /// Where the entry of system calls lies, from the first byte of text.
    public let entry: UInt64
    public let count: Int

    /// Nil for what is no such table. The bytes stay where they are.
    @unsafe public init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= Self.headerSize else { return nil }
        unsafe self.bytes = bytes
        let first = unsafe Self.word(bytes, 1), second = unsafe Self.word(bytes, 2), sites = unsafe Self.word(bytes, 3)
        (textSize, constantsOffset) = (first & 0xFFFF_FFFF, first >> 32)
        (constantsSize, entry) = (second & 0xFFFF_FFFF, second >> 32)
        guard unsafe Self.word(bytes, 0) == Self.magic, sites <= UInt64(bytes.count - Self.headerSize) / 8,
            (textSize | constantsOffset | constantsSize) & 0xFFF == 0,
            textSize > 0, textSize <= Self.maxPart, constantsSize > 0, constantsSize <= Self.maxPart,
            constantsOffset >= textSize, constantsOffset <= 2 * Self.maxPart, entry < textSize
        else { return nil }
        count = Int(sites)
    }

    private static func word(_ bytes: UnsafeRawBufferPointer, _ index: Int) -> UInt64 {
        unsafe UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self))
    }

    /// The site that the byte at `offset` of the text belongs to; nil where it belongs to none.
    public func site(around offset: UInt64) -> PatchSite? {
        var low = 0, high = count
        while low < high {
            let middle = (low + high) / 2
            if self[middle].offset <= offset { low = middle + 1 } else { high = middle }
        }
        guard low > 0 else { return nil }
        let site = self[low - 1]
        return offset - site.offset < site.length ? site : nil
    }

    private subscript(index: Int) -> PatchSite {
        unsafe PatchSite(rawValue: Self.word(bytes, Self.headerSize / 8 + index))
    }

    /// The first byte in `range` of the text whose change is none of the kernel's own; nil where all are.
    /// - Parameter old, new: a byte of the text as it was, and as it would be.
    public func firstUnlawful(_ range: Range<UInt64>, old: (UInt64) -> UInt8, new: (UInt64) -> UInt8) -> UInt64? {
        var at = range.lowerBound
        while at < range.upperBound {
            if old(at) != new(at) {
                guard let site = site(around: at) else { return at }
                var value: UInt64 = 0
                for i in 0..<site.length { value |= UInt64(new(site.offset + i)) << (i * 8) }
                guard site.allows(value, textSize: textSize) else { return at }
            }
            at += 1
        }
        return nil
    }
}
