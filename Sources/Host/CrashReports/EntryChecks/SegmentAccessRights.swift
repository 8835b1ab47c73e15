import X86

/// Access rights of a segment in a VMCS (Intel SDM volume 3C, section 25.4.1).
public struct SegmentAccessRights: Equatable, Sendable {
    public static let unusable = SegmentAccessRights(rawValue: 1 << 16)

    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// From the twelve bits that SVM keeps of a descriptor (`SegmentAttributes`). A segment that is not present becomes an
    /// unusable one, as loading a null selector makes it.
    public init(attributes: UInt16) {
        let bits = UInt32(attributes & 0xFF) | UInt32(attributes & 0xF00) << 4
        rawValue = bits & 1 << 7 == 0 ? bits | 1 << 16 : bits
    }

    /// The twelve bits that SVM keeps; an unusable segment is not present.
    public var attributes: UInt16 {
        let bits = UInt16(truncatingIfNeeded: rawValue & 0xFF | rawValue >> 4 & 0xF00)
        return isUnusable ? bits & ~(1 << 7) : bits
    }

    public var type: UInt8 { UInt8(truncatingIfNeeded: rawValue & 15) }
    /// Code or data, rather than a system segment.
    public var isCodeOrData: Bool { rawValue >> 4 & 1 == 1 }
    public var privilege: UInt8 { UInt8(truncatingIfNeeded: rawValue >> 5 & 3) }
    public var isPresent: Bool { rawValue >> 7 & 1 == 1 }
    /// 64-bit code.
    public var isLong: Bool { rawValue >> 13 & 1 == 1 }
    /// 32-bit operands or stack.
    public var isDefault32: Bool { rawValue >> 14 & 1 == 1 }
    /// The limit counts 4 KiB units.
    public var hasPageUnits: Bool { rawValue >> 15 & 1 == 1 }
    public var isUnusable: Bool { rawValue >> 16 & 1 == 1 }
    /// Bits 11:8 and 31:17.
    public var hasReservedBits: Bool { rawValue & 0xFFFE_0F00 != 0 }
}
