import X86

/// Which instructions of a guest reach a register of the processor.
public enum MSRAccess: UInt8, Sendable {
    case readWrite, readOnly, writeOnly
    public var reads: Bool { self != .writeOnly }
    public var writes: Bool { self != .readOnly }
}

/// The registers that the hypervisor answers for.
public enum MSREmulation: UInt8, Sendable {
    /// Reads as the processor has it; a write must not change it.
    case apicBase
    /// Microcode revision: reads as the processor has it; writes are ignored.
    case patchLevel
    /// See `EFERPolicy`.
    case efer
    /// x2APIC interrupt command: the filter's.
    case interruptCommand
    /// An entry of the local vector table: as the processor has it, but with no delivery mode that guests may not use.
    case localVector
    /// HWCR: reads as bit 24, "the TSC counts at P0"; writes are ignored.
    case hardwareConfiguration
    /// NB_CFG1: reads as 0; writes are ignored.
    case northbridgeConfiguration
    /// DE_CFG: reads as bit 1, "LFENCE serialises"; writes are ignored.
    case decodeConfiguration
    /// Intel's MISC_ENABLE: reads as fast strings (bit 0), no branch trace storage (11), no sampling (12); writes are ignored.
    case miscellaneousEnable
    /// Intel's x2APIC entry for corrected machine checks, which guests do not get: reads as masked; writes are ignored.
    case correctedMachineCheck
    case kvmWallClock
    case kvmSystemTime

    /// What the register always reads as; nil where that depends on the processor or the guest.
    public var constant: UInt64? {
        switch self {
        case .hardwareConfiguration: 1 << 24
        case .northbridgeConfiguration: 0
        case .decodeConfiguration: 1 << 1
        case .miscellaneousEnable: 1 << 0 | 1 << 11 | 1 << 12
        case .correctedMachineCheck: 1 << 16
        default: nil
        }
    }
}

/// What happens when a guest executes RDMSR or WRMSR.
public enum MSRRule: Equatable, Sendable {
    /// The permitted instructions do not exit; a write to a read-only or a read of a write-only register is refused.
    case passThrough(MSRAccess)
    case emulated(MSREmulation)
    /// Reads do not exit; writes are emulated.
    case readable(MSREmulation)
    /// #GP(0), as for a register that does not exist.
    case refused
}

/// One entry of the allow-list of model-specific registers.
public struct MSREntry: Sendable {
    public let first: UInt32
    public let last: UInt32
    public let rule: MSRRule
    public let name: StaticString
    /// Whose processors have it; nil for both.
    public let vendor: Vendor?

    init(first: UInt32, last: UInt32, rule: MSRRule, name: StaticString, vendor: Vendor? = nil) {
        self.first = first
        self.last = last
        self.rule = rule
        self.name = name
        self.vendor = vendor
    }

    /// Whether it is there for guests on processors of `other`.
    public func exists(on other: Vendor) -> Bool { vendor == nil || vendor == other }
}
