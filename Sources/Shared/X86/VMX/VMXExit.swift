/// Why a VM exit happened: the exit-reason field of a VMCS (Intel SDM volume 3C, section 25.9.1).
public struct VMXExitReason: Sendable {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// One of `VMXExit`'s numbers.
    public var basic: UInt16 { UInt16(truncatingIfNeeded: rawValue) }
    /// The guest never ran: the VM entry itself failed.
    public var isEntryFailure: Bool { rawValue >> 31 == 1 }
}

/// Basic exit reasons (Intel SDM volume 3D, appendix C).
public enum VMXExit {
    public static let exceptionOrNMI: UInt16 = 0
    public static let tripleFault: UInt16 = 2
    public static let entryMachineCheck: UInt16 = 41
    public static let initSignal: UInt16 = 3
    public static let nmiWindow: UInt16 = 8
    public static let cpuid: UInt16 = 10
    public static let getsec: UInt16 = 11
    public static let invd: UInt16 = 13
    public static let rdpmc: UInt16 = 15
    public static let vmcall: UInt16 = 18
    public static let vmclear: UInt16 = 19
    public static let vmxon: UInt16 = 27
    public static let controlRegister: UInt16 = 28
    public static let io: UInt16 = 30
    public static let rdmsr: UInt16 = 31
    public static let wrmsr: UInt16 = 32
    public static let mwait: UInt16 = 36
    public static let monitor: UInt16 = 39
    public static let eptViolation: UInt16 = 48
    public static let invept: UInt16 = 50
    public static let preemptionTimer: UInt16 = 52
    public static let invvpid: UInt16 = 53
    public static let wbinvd: UInt16 = 54
    public static let xsetbv: UInt16 = 55
    public static let vmfunc: UInt16 = 59
    public static let seamcall: UInt16 = 76
    public static let tdcall: UInt16 = 77
}
