/// Encodings of the fields of a virtual-machine control structure, as VMREAD and VMWRITE take them (Intel SDM volume 3C,
/// appendix B). Bits 14:13 are the field's width, 11:10 its kind, 9:1 its index. Bit 0, the upper half of a 64-bit field,
/// is of use to 32-bit code only.
public enum VMCSField {
    // 16-bit control field, table B-1.
    public static let vpid: UInt32 = 0x0000

    // 16-bit guest state, table B-2.
    public static let guestESSelector: UInt32 = 0x0800
    public static let guestCSSelector: UInt32 = 0x0802

    // 16-bit host state, table B-3.
    public static let hostESSelector: UInt32 = 0x0C00
    public static let hostCSSelector: UInt32 = 0x0C02
    public static let hostSSSelector: UInt32 = 0x0C04
    public static let hostDSSelector: UInt32 = 0x0C06
    public static let hostFSSelector: UInt32 = 0x0C08
    public static let hostGSSelector: UInt32 = 0x0C0A
    public static let hostTRSelector: UInt32 = 0x0C0C

    // 64-bit control fields, table B-4.
    public static let ioBitmapA: UInt32 = 0x2000
    public static let ioBitmapB: UInt32 = 0x2002
    public static let msrBitmap: UInt32 = 0x2004
    public static let tscOffset: UInt32 = 0x2010
    public static let eptPointer: UInt32 = 0x201A

    // 64-bit read-only field, table B-5.
    public static let guestPhysicalAddress: UInt32 = 0x2400

    // 64-bit guest state, table B-6.
    public static let vmcsLinkPointer: UInt32 = 0x2800
    public static let guestDebugControl: UInt32 = 0x2802
    public static let guestPAT: UInt32 = 0x2804
    public static let guestEFER: UInt32 = 0x2806

    // 64-bit host state, table B-7.
    public static let hostPAT: UInt32 = 0x2C00
    public static let hostEFER: UInt32 = 0x2C02

    // 32-bit control fields, table B-8.
    public static let pinControls: UInt32 = 0x4000
    public static let processorControls: UInt32 = 0x4002
    public static let exceptionBitmap: UInt32 = 0x4004
    public static let pageFaultMask: UInt32 = 0x4006
    public static let pageFaultMatch: UInt32 = 0x4008
    public static let cr3TargetCount: UInt32 = 0x400A
    public static let exitControls: UInt32 = 0x400C
    public static let exitMSRStoreCount: UInt32 = 0x400E
    public static let exitMSRLoadCount: UInt32 = 0x4010
    public static let entryControls: UInt32 = 0x4012
    public static let entryMSRLoadCount: UInt32 = 0x4014
    public static let entryInterruptionInfo: UInt32 = 0x4016
    public static let entryExceptionError: UInt32 = 0x4018
    public static let entryInstructionLength: UInt32 = 0x401A
    public static let secondaryControls: UInt32 = 0x401E

    // 32-bit read-only fields, table B-9.
    public static let instructionError: UInt32 = 0x4400
    public static let exitReason: UInt32 = 0x4402
    public static let exitInterruptionInfo: UInt32 = 0x4404
    public static let exitInterruptionError: UInt32 = 0x4406
    public static let idtVectoringInfo: UInt32 = 0x4408
    public static let idtVectoringError: UInt32 = 0x440A
    public static let exitInstructionLength: UInt32 = 0x440C
}
