/// SHA-2 (FIPS 180-4), one description for both sizes of its words: 32 bits in SHA-256, 64 bits in SHA-384.
///
/// Bytes come one by one or in runs, so that what is hashed need not lie in one piece.
struct SHA2<Word: SHA2Word>: Sendable {
    private var state: InlineArray<8, Word>
    /// What has come of the block that is not full yet, most significant byte first.
    private var block = InlineArray<16, Word>(repeating: 0)
    private var count: UInt64 = 0

    init(_ initial: InlineArray<8, Word>) { state = initial }

    private static var size: Int { MemoryLayout<Word>.size }
    /// Bytes in the block that is not full yet.
    private var filled: Int { Int(truncatingIfNeeded: count) & (16 * Self.size - 1) }

    @inline(__always)
    mutating func put(_ byte: UInt8) {
        let at = filled
        block[at / Self.size] = block[at / Self.size] &<< 8 | Word(byte)
        count &+= 1
        if filled == 0 { compress() }
    }

    /// A word as its bytes, most significant first.
    mutating func put(word: Word) {
        for i in 1...Self.size { put(UInt8(truncatingIfNeeded: word >> Word((Self.size - i) * 8))) }
    }

    /// Whole blocks are taken word by word.
    mutating func put(_ bytes: UnsafeRawBufferPointer) {
        var at = 0
        while at < bytes.count {
            guard filled == 0, bytes.count - at >= 16 * Self.size else {
                unsafe put(bytes[at])
                at += 1
                continue
            }
            for i in 0..<16 {
                block[i] = unsafe Word(bigEndian: bytes.loadUnaligned(fromByteOffset: at, as: Word.self))
                at += Self.size
            }
            count &+= UInt64(16 * Self.size)
            compress()
        }
    }

    /// The words of the digest of all that has come (section 5.1: padding). Nothing may come afterwards.
    mutating func finish() -> InlineArray<8, Word> {
        let bits = count &* 8
        put(0x80)
        // Behind it the length takes two words; what is hashed here has one of 64 bits.
        while filled != 14 * Self.size { put(0) }
        for _ in 8..<2 * Self.size { put(0) }
        for i in 1...8 { put(UInt8(truncatingIfNeeded: bits >> UInt64((8 - i) * 8))) }
        return state
    }

    /// Sections 6.2.2 and 6.4.2, with a schedule of sixteen words that go round.
    @_optimize(speed)
    private mutating func compress() {
        var (a, b, c, d) = (state[0], state[1], state[2], state[3])
        var (e, f, g, h) = (state[4], state[5], state[6], state[7])
        for t in 0..<Word.rounds {
            let i = t & 15
            if t >= 16 {
                let near = Word.schedule0(block[(t &+ 1) & 15]), far = Word.schedule1(block[(t &+ 14) & 15])
                block[i] = block[i] &+ near &+ block[(t &+ 9) & 15] &+ far
            }
            let first = h &+ Word.sum1(e) &+ (e & f ^ ~e & g) &+ Word(constant: SHA2Constants.rounds[t]) &+ block[i]
            let second = Word.sum0(a) &+ (a & b ^ a & c ^ b & c)
            (h, g, f, e, d, c, b, a) = (g, f, e, d &+ first, c, b, a, first &+ second)
        }
        let new: InlineArray<8, Word> = [a, b, c, d, e, f, g, h]
        for i in 0..<8 { state[i] = state[i] &+ new[i] }
    }
}

/// What differs between the sizes of words (sections 4.1.2 and 4.1.3).
protocol SHA2Word: FixedWidthInteger & UnsignedInteger & Sendable {
    static var rounds: Int { get }
    static func sum0(_ x: Self) -> Self
    static func sum1(_ x: Self) -> Self
    static func schedule0(_ x: Self) -> Self
    static func schedule1(_ x: Self) -> Self
    /// Of the 64 bits of a constant those that the word has: the first.
    init(constant: UInt64)
}

extension SHA2Word {
    @inline(__always)
    fileprivate func turned(_ n: Self) -> Self { self &>> n | self &<< (Self(Self.bitWidth) &- n) }
}

extension UInt32: SHA2Word {
    static var rounds: Int { 64 }
    @inline(__always) static func sum0(_ x: UInt32) -> UInt32 { x.turned(2) ^ x.turned(13) ^ x.turned(22) }
    @inline(__always) static func sum1(_ x: UInt32) -> UInt32 { x.turned(6) ^ x.turned(11) ^ x.turned(25) }
    @inline(__always) static func schedule0(_ x: UInt32) -> UInt32 { x.turned(7) ^ x.turned(18) ^ x &>> 3 }
    @inline(__always) static func schedule1(_ x: UInt32) -> UInt32 { x.turned(17) ^ x.turned(19) ^ x &>> 10 }
    @inline(__always) init(constant: UInt64) { self.init(truncatingIfNeeded: constant >> 32) }
}

extension UInt64: SHA2Word {
    static var rounds: Int { 80 }
    @inline(__always) static func sum0(_ x: UInt64) -> UInt64 { x.turned(28) ^ x.turned(34) ^ x.turned(39) }
    @inline(__always) static func sum1(_ x: UInt64) -> UInt64 { x.turned(14) ^ x.turned(18) ^ x.turned(41) }
    @inline(__always) static func schedule0(_ x: UInt64) -> UInt64 { x.turned(1) ^ x.turned(8) ^ x &>> 7 }
    @inline(__always) static func schedule1(_ x: UInt64) -> UInt64 { x.turned(19) ^ x.turned(61) ^ x &>> 6 }
    @inline(__always) init(constant: UInt64) { self = constant }
}
