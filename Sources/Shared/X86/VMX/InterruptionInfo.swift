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

    /// An exception for a guest with this CR0. In real mode none has an error code: there VMX refuses the entry, and SVM
    /// would push it (Intel SDM volume 3C, section 27.2.1.3; AMD64 APM volume 2, section 8.2).
    public init(exception vector: UInt8, hasError: Bool, cr0: UInt64) {
        self.init(
            vector: vector, kind: .hardwareException, hasError: hasError && cr0 & CR0.protectionEnable != 0)
    }

    public var vector: UInt8 { UInt8(truncatingIfNeeded: rawValue) }
    public var kind: Kind { Kind(rawValue: UInt8(truncatingIfNeeded: rawValue >> 8 & 7)) ?? .reserved }
    public var hasError: Bool { rawValue >> 11 & 1 == 1 }
    public var isValid: Bool { rawValue >> 31 == 1 }
    /// Of an exit on SVM: INTn, or INT3 and INTO, which have a kind of their own on VMX alone (APM volume 2, section 15.20).
    public var isSoftware: Bool {
        kind == .softwareInterrupt || kind == .hardwareException && (vector == 3 || vector == 4)
    }

    /// The same event to inject again after an exit that interrupted its delivery: bit 12 is undefined there.
    public var reinjected: InterruptionInfo { InterruptionInfo(rawValue: rawValue & 0x8000_0FFF) }
}
