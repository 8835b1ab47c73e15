import X86

/// The registers that the hypervisor answers for, by their numbers. Those that are neither here nor in `MSRPolicy` get #GP(0), as
/// where none exists.
public enum MSREmulation: UInt32, Sendable {
    /// Reads as `apicBase(_:vcpu:_:)` says, for which core is the machine's bootstrap processor is no guest's business; a write
    /// changes the mode alone, see `APICMode`.
    case apicBase = 0x1B
    /// Microcode revision: reads as the processor has it; writes are ignored.
    case patchLevel = 0x8B
    /// Intel's MISC_ENABLE: reads as the processor has it; writes are ignored.
    case miscellaneousEnable = 0x1A0
    /// Intel's x2APIC entry for corrected machine checks, which guests do not get: reads as masked; writes are ignored.
    /// Linux reads it where the version register counts seven entries or more.
    case correctedMachineCheck = 0x82F
    /// x2APIC interrupt command: the filter's.
    case interruptCommand = 0x830
    /// Entries of the local vector table, 833h to 837h (thermal, performance, LINT0, LINT1, error): as the processor has them, but
    /// with no delivery mode that guests may not use, as SMI or INIT.
    case localVector = 0x833
    case kvmWallClock = 0x4B56_4D00
    case kvmSystemTime = 0x4B56_4D01
    /// See `EFERPolicy`.
    case efer = 0xC000_0080
    /// AMD's first performance counters, C0010000h to C0010007h: they read 0 and take nothing else. Old kernels look at
    /// them without asking CPUID.
    case legacyCounter = 0xC001_0000
    /// HWCR: reads as bit 24, "the TSC counts at P0"; writes are ignored.
    case hardwareConfiguration = 0xC001_0015
    /// NB_CFG1: reads as 0; writes are ignored.
    case northbridgeConfiguration = 0xC001_001F
    /// DE_CFG: reads as bit 1, "LFENCE serialises"; writes are ignored.
    case decodeConfiguration = 0xC001_1029

    /// The register with a number, nil where the hypervisor answers for none on a processor of `vendor`.
    @inline(__always)
    public init?(_ msr: UInt32, _ vendor: Vendor) {
        let isVector = 0x833...0x837 ~= msr, isCounter = msr & ~7 == Self.legacyCounter.rawValue
        self.init(rawValue: isVector ? Self.localVector.rawValue : isCounter ? Self.legacyCounter.rawValue : msr)
        switch self {
        case .legacyCounter, .hardwareConfiguration, .northbridgeConfiguration, .decodeConfiguration:
            if vendor != .amd { return nil }
        case .miscellaneousEnable, .correctedMachineCheck: if vendor != .intel { return nil }
        default: break
        }
    }

    /// What the register always reads as; nil where that depends on the processor or the guest.
    public var constant: UInt64? {
        switch self {
        case .hardwareConfiguration: 1 << 24
        case .northbridgeConfiguration, .legacyCounter: 0
        case .decodeConfiguration: 1 << 1
        case .correctedMachineCheck: 1 << 16
        default: nil
        }
    }

    /// APIC_BASE as a vCPU sees it: `native` in the guest's mode, but the bootstrap processor (bit 8) is vCPU 0 and no other, whichever core the
    /// firmware began on. A kernel takes a first processor without that bit for a crash kernel's, and starts no others.
    @inline(__always)
    public static func apicBase(_ native: UInt64, vcpu: Int, _ mode: APICMode) -> UInt64 {
        native & ~(1 << 8 | 3 << 10) | (vcpu == 0 ? 1 << 8 : 0) | mode.rawValue << 10
    }
}
