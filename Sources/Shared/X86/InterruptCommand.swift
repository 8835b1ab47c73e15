/// A value for the x2APIC's interrupt command register (AMD64 APM volume 2, section 16.12; Intel SDM volume 3, section
/// 11.12.9).
public struct InterruptCommand: Sendable {
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    public enum DeliveryMode: UInt8, Sendable {
        case fixed = 0, lowestPriority, smi, reserved, nmi, initSignal, startUp, external
    }

    public var vector: UInt8 { UInt8(truncatingIfNeeded: rawValue) }
    public var mode: DeliveryMode { DeliveryMode(rawValue: UInt8(truncatingIfNeeded: rawValue >> 8 & 7)) ?? .reserved }
    public var isLogical: Bool { rawValue >> 11 & 1 == 1 }
    /// An INIT level de-assert, which only resets arbitration on old processors: nothing happens.
    public var isDeassert: Bool { mode == .initSignal && rawValue >> 14 & 3 == 2 }
    /// 0 none, 1 self, 2 all, 3 all but self.
    public var shorthand: UInt8 { UInt8(truncatingIfNeeded: rawValue >> 18 & 3) }
    public var destination: UInt32 { UInt32(truncatingIfNeeded: rawValue >> 32) }

    /// Bits 13, 16, 17 and 20 to 31 are reserved: writing them faults.
    public var hasReservedBits: Bool { rawValue & 0xFFF3_2000 != 0 }

    /// Whether the core with `apicID` is meant, when the core with `own` sends. Broadcasts mean every core that is asked
    /// about; a partition asks about its own alone.
    public func reaches(_ apicID: UInt32, from own: UInt32) -> Bool {
        switch shorthand {
        case 1: return apicID == own
        case 2: return true
        case 3: return apicID != own
        default: break
        }
        if destination == .max { return true }
        if !isLogical { return apicID == destination }
        // Logical ids are derived: cluster in the upper half, one bit of sixteen in the lower (SDM section 11.12.10.2).
        return apicID >> 4 == destination >> 16 && destination >> (apicID & 15) & 1 == 1
    }

    /// What is sent for a fixed or lowest-priority command to one core, by its physical id: its vector, fixed and
    /// edge-triggered. A level-triggered one would have its end broadcast to the I/O APICs, which are not the guest's.
    public func directed(to apicID: UInt32) -> UInt64 { UInt64(apicID) << 32 | 1 << 14 | UInt64(vector) }
}
