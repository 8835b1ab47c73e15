/// An event on its way into the guest or out of it: the entry, exit and IDT-vectoring information fields (Intel SDM volume
/// 3C, sections 25.8.3, 25.9.2 and 25.9.3).
public struct InterruptionInfo: Equatable, Sendable {
    public enum Kind: UInt8, Sendable {
        case externalInterrupt = 0, reserved, nmi, hardwareException, softwareInterrupt, privilegedException
        case softwareException, other
    }

    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// An event to inject. Hardware exceptions alone can have an error code.
    public init(vector: UInt8, kind: Kind, hasError: Bool = false) {
        rawValue = UInt32(vector) | UInt32(kind.rawValue) << 8 | (hasError ? 1 << 11 : 0) | 1 << 31
    }

    public var vector: UInt8 { UInt8(truncatingIfNeeded: rawValue) }
    public var kind: Kind { Kind(rawValue: UInt8(truncatingIfNeeded: rawValue >> 8 & 7)) ?? .reserved }
    public var hasError: Bool { rawValue >> 11 & 1 == 1 }
    /// Of an exit: IRET had ended the blocking of NMIs before the exception came. Reserved on entry.
    public var unblockedNMIs: Bool { rawValue >> 12 & 1 == 1 }
    public var isValid: Bool { rawValue >> 31 == 1 }

    /// The same event to inject again after an exit that interrupted its delivery: bit 12 is undefined there.
    public var reinjected: InterruptionInfo { InterruptionInfo(rawValue: rawValue & 0x8000_0FFF) }
}
