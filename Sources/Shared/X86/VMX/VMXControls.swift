// Bits of the VM-execution, VM-exit and VM-entry controls (Intel SDM volume 3C, sections 25.6 to 25.8; 24.6 to 24.8 in
// editions before 2023).

/// Pin-based VM-execution controls (section 25.6.1).
public enum PinControl {
    public static let nmiExiting: UInt32 = 1 << 3
    public static let virtualNMIs: UInt32 = 1 << 5
    public static let preemptionTimer: UInt32 = 1 << 6
}

/// Primary processor-based VM-execution controls (section 25.6.2).
public enum ProcessorControl {
    public static let tscOffsetting: UInt32 = 1 << 3
    public static let mwaitExiting: UInt32 = 1 << 10
    public static let rdpmcExiting: UInt32 = 1 << 11
    public static let nmiWindowExiting: UInt32 = 1 << 22
    public static let ioBitmaps: UInt32 = 1 << 25
    public static let msrBitmaps: UInt32 = 1 << 28
    public static let monitorExiting: UInt32 = 1 << 29
    public static let secondaryControls: UInt32 = 1 << 31
}

/// Secondary processor-based VM-execution controls (section 25.6.2).
public enum SecondaryControl {
    public static let ept: UInt32 = 1 << 1
    public static let rdtscp: UInt32 = 1 << 3
    public static let vpid: UInt32 = 1 << 5
    public static let wbinvdExiting: UInt32 = 1 << 6
    public static let unrestrictedGuest: UInt32 = 1 << 7
    public static let invpcid: UInt32 = 1 << 12
}

/// VM-exit controls (section 25.7.1).
public enum ExitControl {
    public static let saveDebugControls: UInt32 = 1 << 2
    public static let hostAddressSpaceSize: UInt32 = 1 << 9
    public static let savePAT: UInt32 = 1 << 18
    public static let loadPAT: UInt32 = 1 << 19
    public static let saveEFER: UInt32 = 1 << 20
    public static let loadEFER: UInt32 = 1 << 21
}

/// VM-entry controls (section 25.8.1).
public enum EntryControl {
    public static let loadDebugControls: UInt32 = 1 << 2
    public static let ia32eModeGuest: UInt32 = 1 << 9
    public static let loadPAT: UInt32 = 1 << 14
    public static let loadEFER: UInt32 = 1 << 15
}
