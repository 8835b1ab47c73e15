/// Control register bits (AMD64 APM volume 2, section 3.1).
public enum CR0 {
    public static let protectionEnable: UInt64 = 1 << 0
    public static let extensionType: UInt64 = 1 << 4
    public static let numericError: UInt64 = 1 << 5
    public static let writeProtect: UInt64 = 1 << 16
    public static let notWriteThrough: UInt64 = 1 << 29
    public static let cacheDisable: UInt64 = 1 << 30
    public static let paging: UInt64 = 1 << 31
}

public enum CR4 {
    public static let physicalAddressExtension: UInt64 = 1 << 5
    public static let machineCheckEnable: UInt64 = 1 << 6
    /// LA57: page tables of five levels.
    public static let wideAddresses: UInt64 = 1 << 12
    public static let vmxEnable: UInt64 = 1 << 13
    public static let controlFlowEnforcement: UInt64 = 1 << 23
    public static let osFXSR: UInt64 = 1 << 9
    public static let osXSAVE: UInt64 = 1 << 18
}

/// Flags register bits (AMD64 APM volume 2, section 3.1.6).
public enum RFLAGS {
    public static let trap: UInt64 = 1 << 8
    public static let resume: UInt64 = 1 << 16
}

public enum EFER {
    public static let systemCall: UInt64 = 1 << 0
    public static let longModeEnable: UInt64 = 1 << 8
    public static let longModeActive: UInt64 = 1 << 10
    public static let noExecute: UInt64 = 1 << 11
    public static let secureVirtualMachine: UInt64 = 1 << 12
}

/// Model-specific registers that the hypervisor itself uses.
public enum MSR {
    public static let apicBase: UInt32 = 0x1B
    public static let pat: UInt32 = 0x277
    public static let tscAux: UInt32 = 0xC000_0103
    public static let efer: UInt32 = 0xC000_0080
    public static let star: UInt32 = 0xC000_0081
    public static let syscallMask: UInt32 = 0xC000_0084
    public static let kernelGSBase: UInt32 = 0xC000_0102
    public static let featureControl: UInt32 = 0x3A
    public static let mtrrCapability: UInt32 = 0xFE
    public static let mtrrDefaultType: UInt32 = 0x2FF
    // Intel SDM volume 3, appendix A.
    public static let vmxBasic: UInt32 = 0x480
    public static let vmxMisc: UInt32 = 0x485
    public static let vmxCR0Fixed0: UInt32 = 0x486
    public static let vmxCR0Fixed1: UInt32 = 0x487
    public static let vmxCR4Fixed0: UInt32 = 0x488
    public static let vmxCR4Fixed1: UInt32 = 0x489
    public static let vmxEPTCapability: UInt32 = 0x48C
    public static let vmCR: UInt32 = 0xC001_0114
    public static let vmHSavePA: UInt32 = 0xC001_0117
    public static let x2apicEOI: UInt32 = 0x80B
    public static let x2apicICR: UInt32 = 0x830
}

/// Exception vectors (AMD64 APM volume 2, table 8-1).
public enum Vector {
    public static let debug: UInt8 = 1
    public static let nmi: UInt8 = 2
    public static let invalidOpcode: UInt8 = 6
    public static let doubleFault: UInt8 = 8
    public static let generalProtection: UInt8 = 13
    public static let pageFault: UInt8 = 14
    public static let floatingPoint: UInt8 = 16
    public static let machineCheck: UInt8 = 18

    /// Exceptions that exit, a bit each. #DB and #AC can raise themselves for ever, in microcode that no NMI interrupts, so
    /// they are delivered from here.
    public static let exiting: UInt32 = 1 << 1 | 1 << 17 | 1 << 18
    /// Those that exit while one instruction is stepped over: all but the software exceptions. The guest's handler must not
    /// find what a step has changed.
    public static let exitingInStep: UInt32 = 0x002F_7DE3
    /// Those with an error code.
    public static func hasError(_ vector: UInt8) -> Bool { vector < 32 && 0x6022_7D00 >> UInt32(vector) & 1 != 0 }
}

/// DR6 (AMD64 APM volume 2, section 13.1.1.3).
public enum DR6 {
    public static let singleStep: UInt64 = 1 << 14
    /// B0 to B3 and BD: what a guest has asked for by DR7.
    public static let breakpoints: UInt64 = 0x200F
}
