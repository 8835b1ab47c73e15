@testable import CrashReports
import X86

/// Fields of a VMCS, for what reads one.
struct GuestState: VMCSReader {
    private var fields: [UInt32: UInt64] = [:]
    func read(_ field: UInt32) -> UInt64 { fields[field] ?? 0 }

    subscript(_ field: UInt32) -> UInt64 {
        get { fields[field] ?? 0 }
        set { fields[field] = newValue }
    }

    private mutating func setSegment(_ number: UInt32, selector: UInt64, base: UInt64, limit: UInt64, rights: UInt64) {
        self[VMCSField.guestESSelector + number * 2] = selector
        self[VMCSField.guestESBase + number * 2] = base
        self[VMCSField.guestESLimit + number * 2] = limit
        self[VMCSField.guestESAccessRights + number * 2] = rights
    }

    private static func common(entry: UInt64) -> GuestState {
        var state = GuestState()
        state[VMCSField.pinControls] = UInt64(PinControl.nmiExiting | PinControl.virtualNMIs)
        state[VMCSField.processorControls] = UInt64(ProcessorControl.secondaryControls)
        state[VMCSField.secondaryControls] = UInt64(SecondaryControl.ept | SecondaryControl.unrestrictedGuest)
        state[VMCSField.entryControls] = entry
        state[VMCSField.guestPAT] = 0x0007_0406_0007_0406
        state[VMCSField.guestDR7] = 0x400
        state[VMCSField.guestRFLAGS] = 0x2
        state[VMCSField.vmcsLinkPointer] = .max
        state.setSegment(6, selector: 0, base: 0, limit: 0, rights: 0x1_0000)
        state.setSegment(7, selector: 0, base: 0, limit: 0x67, rights: 0x8B)
        state[VMCSField.guestGDTRLimit] = 0xFFFF
        state[VMCSField.guestIDTRLimit] = 0xFFFF
        return state
    }

    /// A kernel in 64-bit mode: load debug controls, IA-32e mode guest, load PAT, load EFER.
    static var kernel64: GuestState {
        var state = common(entry: 0xC204)
        state[VMCSField.guestCR0] = 0x8005_0033
        state[VMCSField.guestCR3] = 0x1234_5000
        state[VMCSField.guestCR4] = 0x2_26A0
        state[VMCSField.guestEFER] = 0xD01
        state[VMCSField.guestRFLAGS] = 0x246
        state[VMCSField.guestRIP] = 0xFFFF_FFFF_8100_0000
        state[VMCSField.guestSysenterESP] = 0xFFFF_8880_0000_0000
        state[VMCSField.guestGDTRBase] = 0xFFFF_FE00_0000_1000
        state[VMCSField.guestIDTRBase] = 0xFFFF_FE00_0000_0000
        for i in [0, 2, 3, 4, 5] as [UInt32] { state.setSegment(i, selector: 0, base: 0, limit: 0, rights: 0x1_0000) }
        state.setSegment(1, selector: 0x10, base: 0, limit: 0xFFFF_FFFF, rights: 0xA09B)
        state.setSegment(2, selector: 0x18, base: 0, limit: 0xFFFF_FFFF, rights: 0xC093)
        state[VMCSField.guestGSBase] = 0xFFFF_8880_3FC0_0000
        state[VMCSField.guestTRBase] = 0xFFFF_FE00_0000_3000
        return state
    }

    /// A program at privilege 3 under a kernel with PAE paging and no IA-32e mode.
    static var program32: GuestState {
        var state = common(entry: 0xC004)
        state[VMCSField.guestCR0] = 0x8005_0033
        state[VMCSField.guestCR4] = 0x2620
        state[VMCSField.guestRFLAGS] = 0x202
        state[VMCSField.guestRIP] = 0x0804_8000
        for i in [0, 2, 3, 4, 5] as [UInt32] {
            state.setSegment(i, selector: 0x7B, base: 0, limit: 0xFFFF_FFFF, rights: 0xC0F3)
        }
        state.setSegment(1, selector: 0x73, base: 0, limit: 0xFFFF_FFFF, rights: 0xC0FB)
        state.setSegment(6, selector: 0x20, base: 0x1000, limit: 0xFFF, rights: 0x82)
        for i in 0..<4 as Range<UInt32> { state[VMCSField.guestPDPTE0 + i * 2] = 0x2000 + UInt64(i) << 12 | 1 }
        return state
    }

    /// A processor after INIT and SIPI, in real mode.
    static var startUp: GuestState {
        var state = common(entry: 0xC004)
        state[VMCSField.guestCR0] = 0x6000_0030
        state[VMCSField.guestCR4] = 0x2000
        for i in [0, 2, 3, 4, 5] as [UInt32] { state.setSegment(i, selector: 0, base: 0, limit: 0xFFFF, rights: 0x93) }
        state.setSegment(1, selector: 0x9A00, base: 0x9_A000, limit: 0xFFFF, rights: 0x9B)
        return state
    }

    /// Virtual-8086 mode.
    static var virtual8086: GuestState {
        var state = common(entry: 0xC004)
        state[VMCSField.guestCR0] = 0x8001_0031
        state[VMCSField.guestCR4] = 0x2001
        state[VMCSField.guestRFLAGS] = 0x2_3202
        for i in 0..<6 as Range<UInt32> {
            state.setSegment(i, selector: 0x1234, base: 0x1_2340, limit: 0xFFFF, rights: 0xF3)
        }
        return state
    }
}

// Segments that no code of ours names alone: their fields lie behind those of ES.
extension VMCSField {
    static let guestSSSelector = guestESSelector + 4
    static let guestDSSelector = guestESSelector + 6
    static let guestFSSelector = guestESSelector + 8
    static let guestGSSelector = guestESSelector + 10
    static let guestLDTRSelector = guestESSelector + 12
    static let guestTRSelector = guestESSelector + 14
    static let guestCSLimit = guestESLimit + 2
    static let guestSSLimit = guestESLimit + 4
    static let guestDSLimit = guestESLimit + 6
    static let guestFSLimit = guestESLimit + 8
    static let guestGSLimit = guestESLimit + 10
    static let guestLDTRLimit = guestESLimit + 12
    static let guestTRLimit = guestESLimit + 14
    static let guestDSAccessRights = guestESAccessRights + 6
    static let guestFSAccessRights = guestESAccessRights + 8
    static let guestGSAccessRights = guestESAccessRights + 10
    static let guestLDTRAccessRights = guestESAccessRights + 12
    static let guestTRAccessRights = guestESAccessRights + 14
    static let guestCSBase = guestESBase + 2
    static let guestSSBase = guestESBase + 4
    static let guestDSBase = guestESBase + 6
    static let guestFSBase = guestESBase + 8
    static let guestGSBase = guestESBase + 10
    static let guestLDTRBase = guestESBase + 12
    static let guestTRBase = guestESBase + 14
    static let guestPDPTE1 = guestPDPTE0 + 2
    static let guestPDPTE2 = guestPDPTE0 + 4
    static let guestPDPTE3 = guestPDPTE0 + 6
}
