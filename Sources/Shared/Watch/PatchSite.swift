/// One place of a kernel's text that the kernel itself patches, and what may stand there. Linux writes INT3 over the first byte, then
/// the rest, then the first byte (`text_poke_bp`), so that a processor that comes by in between traps; bytes may come one by one.
public struct PatchSite: Sendable {
    public enum Kind: UInt8, Sendable {
        /// A jump label of two bytes: a NOP, or the jump to `target`.
        case shortJump = 0
        /// One of five bytes.
        case jump = 1
        /// A static call, or its trampoline: five bytes that call, jump, return or do nothing. Where to is data of the kernel's; what
        /// is allowed is all of its own text.
        case call = 2
    }

    /// Bits 27:0 the place in the text, 31:28 the kind, 63:32 where a jump label leads, from the first byte of text.
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }
    public init(_ kind: Kind, at offset: UInt64, target: UInt64 = 0) {
        rawValue = offset & 0xFFF_FFFF | UInt64(kind.rawValue) << 28 | target << 32
    }

    public var offset: UInt64 { rawValue & 0xFFF_FFFF }
    /// Nil for a kind of another version: nothing may be written there.
    public var kind: Kind? { Kind(rawValue: UInt8(rawValue >> 28 & 15)) }
    public var length: UInt64 { kind == .shortJump ? 2 : 5 }

    private static let breakpoint: UInt64 = 0xCC
    private static let shortNOP: UInt64 = 0x9066
    private static let nop: UInt64 = 0x00_0044_1F0F

    /// Whether `value`, the site's bytes with the first one lowest, is what the kernel may leave there, or is on its way to.
    public func allows(_ value: UInt64, textSize: UInt64) -> Bool {
        let isTrap = value & 0xFF == Self.breakpoint
        switch kind {
        case nil: return false
        case .shortJump:
            let jump = 0xEB | (rawValue >> 32 &- offset &- 2) << 8 & 0xFF00
            return value == jump || value == Self.shortNOP || isTrap && mixes(value, jump, Self.shortNOP)
        case .jump:
            let jump = 0xE9 | (rawValue >> 32 &- offset &- 5) << 8 & 0xFF_FFFF_FF00
            return value == jump || value == Self.nop || isTrap && mixes(value, jump, Self.nop)
        case .call:
            switch (value & 0xFF, value >> 32) {
            // Until the first byte is back, three of those behind it may be of any call; the last one of one within reach.
            case (Self.breakpoint, let last): return last <= 1 || last == 0xC0 || last == 0xCC || last >= 0xFE
            case (0xE8, _), (0xE9, _):
                let distance = UInt64(bitPattern: Int64(Int32(truncatingIfNeeded: value >> 8)))
                return offset &+ 5 &+ distance < textSize
            // NOP; XOR EAX, EAX with three prefixes, for a call that returns 0; RET and INT3 behind it.
            default: return value == Self.nop || value == 0xC0_312E_2E2E || value == 0xCC_CCCC_CCC3
            }
        }
    }

    /// Whether each byte behind the first is of one or the other.
    private func mixes(_ value: UInt64, _ one: UInt64, _ other: UInt64) -> Bool {
        for i in 1..<length {
            let mask: UInt64 = 0xFF << (i * 8)
            if value & mask != one & mask, value & mask != other & mask { return false }
        }
        return true
    }
}
