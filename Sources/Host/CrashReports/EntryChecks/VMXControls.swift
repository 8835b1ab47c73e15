// Bits of the VM-execution, VM-exit and VM-entry controls (Intel SDM volume 3C, sections 25.6 to 25.8; 24.6 to 24.8 in
// editions before 2023), which `ControlSet` asks processors for by their numbers.

/// Pin-based VM-execution controls (section 25.6.1).
enum PinControl {
    static let nmiExiting: UInt32 = 1 << 3
    static let virtualNMIs: UInt32 = 1 << 5
    static let preemptionTimer: UInt32 = 1 << 6
}

/// Primary processor-based VM-execution controls (section 25.6.2).
enum ProcessorControl {
    static let tscOffsetting: UInt32 = 1 << 3
    static let mwaitExiting: UInt32 = 1 << 10
    static let rdpmcExiting: UInt32 = 1 << 11
    static let nmiWindowExiting: UInt32 = 1 << 22
    static let ioBitmaps: UInt32 = 1 << 25
    static let msrBitmaps: UInt32 = 1 << 28
    static let monitorExiting: UInt32 = 1 << 29
    static let secondaryControls: UInt32 = 1 << 31
}

/// Secondary processor-based VM-execution controls (section 25.6.2).
enum SecondaryControl {
    static let ept: UInt32 = 1 << 1
    static let rdtscp: UInt32 = 1 << 3
    static let vpid: UInt32 = 1 << 5
    static let wbinvdExiting: UInt32 = 1 << 6
    static let unrestrictedGuest: UInt32 = 1 << 7
    static let invpcid: UInt32 = 1 << 12
}

/// VM-exit controls (section 25.7.1).
enum ExitControl {
    static let saveDebugControls: UInt32 = 1 << 2
    static let hostAddressSpaceSize: UInt32 = 1 << 9
    static let savePAT: UInt32 = 1 << 18
    static let loadPAT: UInt32 = 1 << 19
    static let saveEFER: UInt32 = 1 << 20
    static let loadEFER: UInt32 = 1 << 21
}

/// VM-entry controls (section 25.8.1).
enum EntryControl {
    static let loadDebugControls: UInt32 = 1 << 2
    static let ia32eModeGuest: UInt32 = 1 << 9
    static let loadPAT: UInt32 = 1 << 14
    static let loadEFER: UInt32 = 1 << 15
}
