extension VMCSField {
    // 32-bit guest state, table B-10.
    public static let guestESLimit: UInt32 = 0x4800
    public static let guestGDTRLimit: UInt32 = 0x4810
    public static let guestIDTRLimit: UInt32 = 0x4812
    public static let guestESAccessRights: UInt32 = 0x4814
    public static let guestCSAccessRights: UInt32 = 0x4816
    public static let guestSSAccessRights: UInt32 = 0x4818
    public static let guestInterruptibility: UInt32 = 0x4824
    public static let guestActivity: UInt32 = 0x4826
    public static let guestSysenterCS: UInt32 = 0x482A
    public static let preemptionTimer: UInt32 = 0x482E

    // 32-bit host state, table B-11.
    public static let hostSysenterCS: UInt32 = 0x4C00

    // Natural-width control fields, table B-12.
    public static let cr0Mask: UInt32 = 0x6000
    public static let cr4Mask: UInt32 = 0x6002
    public static let cr0Shadow: UInt32 = 0x6004
    public static let cr4Shadow: UInt32 = 0x6006

    // Natural-width read-only fields, table B-13.
    public static let exitQualification: UInt32 = 0x6400

    // Natural-width guest state, table B-14.
    public static let guestCR0: UInt32 = 0x6800
    public static let guestCR3: UInt32 = 0x6802
    public static let guestCR4: UInt32 = 0x6804
    public static let guestESBase: UInt32 = 0x6806
    public static let guestGDTRBase: UInt32 = 0x6816
    public static let guestIDTRBase: UInt32 = 0x6818
    public static let guestDR7: UInt32 = 0x681A
    public static let guestRSP: UInt32 = 0x681C
    public static let guestRIP: UInt32 = 0x681E
    public static let guestRFLAGS: UInt32 = 0x6820
    public static let guestPendingDebug: UInt32 = 0x6822
    public static let guestSysenterESP: UInt32 = 0x6824
    public static let guestSysenterEIP: UInt32 = 0x6826

    // Natural-width host state, table B-15.
    public static let hostCR0: UInt32 = 0x6C00
    public static let hostCR3: UInt32 = 0x6C02
    public static let hostCR4: UInt32 = 0x6C04
    public static let hostFSBase: UInt32 = 0x6C06
    public static let hostGSBase: UInt32 = 0x6C08
    public static let hostTRBase: UInt32 = 0x6C0A
    public static let hostGDTRBase: UInt32 = 0x6C0C
    public static let hostIDTRBase: UInt32 = 0x6C0E
    public static let hostSysenterESP: UInt32 = 0x6C10
    public static let hostSysenterEIP: UInt32 = 0x6C12
    public static let hostRIP: UInt32 = 0x6C16
}
