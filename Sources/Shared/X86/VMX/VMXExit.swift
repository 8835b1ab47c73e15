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
    public static let externalInterrupt: UInt16 = 1
    public static let tripleFault: UInt16 = 2
    public static let entryMachineCheck: UInt16 = 41
    public static let initSignal: UInt16 = 3
    public static let startUp: UInt16 = 4
    public static let ioSMI: UInt16 = 5
    public static let otherSMI: UInt16 = 6
    public static let interruptWindow: UInt16 = 7
    public static let nmiWindow: UInt16 = 8
    public static let taskSwitch: UInt16 = 9
    public static let cpuid: UInt16 = 10
    public static let getsec: UInt16 = 11
    public static let hlt: UInt16 = 12
    public static let invd: UInt16 = 13
    public static let invlpg: UInt16 = 14
    public static let rdpmc: UInt16 = 15
    public static let rdtsc: UInt16 = 16
    public static let rsm: UInt16 = 17
    public static let vmcall: UInt16 = 18
    public static let vmclear: UInt16 = 19
    public static let vmlaunch: UInt16 = 20
    public static let vmptrld: UInt16 = 21
    public static let vmptrst: UInt16 = 22
    public static let vmread: UInt16 = 23
    public static let vmresume: UInt16 = 24
    public static let vmwrite: UInt16 = 25
    public static let vmxoff: UInt16 = 26
    public static let vmxon: UInt16 = 27
    public static let controlRegister: UInt16 = 28
    public static let debugRegister: UInt16 = 29
    public static let io: UInt16 = 30
    public static let rdmsr: UInt16 = 31
    public static let wrmsr: UInt16 = 32
    public static let invalidGuestState: UInt16 = 33
    public static let msrLoading: UInt16 = 34
    public static let mwait: UInt16 = 36
    public static let monitorTrapFlag: UInt16 = 37
    public static let monitor: UInt16 = 39
    public static let pause: UInt16 = 40
    public static let machineCheck: UInt16 = 41
    public static let tprThreshold: UInt16 = 43
    public static let apicAccess: UInt16 = 44
    public static let virtualizedEOI: UInt16 = 45
    public static let gdtrOrIDTR: UInt16 = 46
    public static let ldtrOrTR: UInt16 = 47
    public static let eptViolation: UInt16 = 48
    public static let eptMisconfiguration: UInt16 = 49
    public static let invept: UInt16 = 50
    public static let rdtscp: UInt16 = 51
    public static let preemptionTimer: UInt16 = 52
    public static let invvpid: UInt16 = 53
    public static let wbinvd: UInt16 = 54
    public static let xsetbv: UInt16 = 55
    public static let apicWrite: UInt16 = 56
    public static let rdrand: UInt16 = 57
    public static let invpcid: UInt16 = 58
    public static let vmfunc: UInt16 = 59
    public static let encls: UInt16 = 60
    public static let rdseed: UInt16 = 61
    public static let pageModificationLogFull: UInt16 = 62
    public static let xsaves: UInt16 = 63
    public static let xrstors: UInt16 = 64
    public static let pconfig: UInt16 = 65
    public static let subPagePermission: UInt16 = 66
    public static let umwait: UInt16 = 67
    public static let tpause: UInt16 = 68
    public static let loadiwkey: UInt16 = 69
    public static let enclv: UInt16 = 70
    public static let enqcmd: UInt16 = 72
    public static let enqcmds: UInt16 = 73
    public static let busLock: UInt16 = 74
    public static let instructionTimeout: UInt16 = 75
}
