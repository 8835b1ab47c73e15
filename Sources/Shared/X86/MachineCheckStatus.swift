/// MCi_STATUS of a machine-check bank (SDM volume 3B, section 16.3.2.2; AMD64 APM volume 2, section 9.3.2.2).
public struct MachineCheckStatus: Sendable {
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    public var isValid: Bool { rawValue >> 63 & 1 != 0 }
    public var hasAddress: Bool { rawValue >> 58 & 1 != 0 }
    public var hasMisc: Bool { rawValue >> 59 & 1 != 0 }
    /// A further error has come while this one was not cleared; what the bank says is the first one's.
    private var hasOverflow: Bool { rawValue >> 62 & 1 != 0 }

    /// The first byte of memory that is concerned, by MCi_ADDR and MCi_MISC; nil where the bank does not name a physical
    /// address, or stands for several errors. The format of MCi_MISC is that of processors whose MCG_CAP has MCG_SER_P
    /// (bit 24): bits 5:0 are the lowest valid bit of the address, bits 8:6 its mode, of which 2 is physical (section
    /// 16.3.2.4). AMD's have not; there the core that consumes an error is the one that takes the exception.
    public func physicalAddress(_ address: UInt64, misc: UInt64, capability: UInt64) -> UInt64? {
        guard capability >> 24 & 1 != 0, hasAddress, hasMisc, !hasOverflow, misc >> 6 & 7 == 2 else { return nil }
        return address & (.max << (misc & 63))
    }

    /// What is left to do after an error, from nothing to giving the core up.
    public enum Severity: UInt8, Sendable {
        case none, corrected
        /// Data is lost, but not the processor's own state.
        case uncorrected
        /// The processor's own state cannot be relied on (PCC).
        case contextCorrupt
    }

    public var severity: Severity {
        guard isValid else { return .none }
        if rawValue >> 57 & 1 != 0 { return .contextCorrupt }
        return rawValue >> 61 & 1 != 0 ? .uncorrected : .corrected
    }
}
