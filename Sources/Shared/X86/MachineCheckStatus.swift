/// MCi_STATUS of a machine-check bank (SDM volume 3B, section 16.3.2.2; AMD64 APM volume 2, section 9.3.2.2).
public struct MachineCheckStatus: Sendable {
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    public var isValid: Bool { rawValue >> 63 & 1 != 0 }
    public var hasAddress: Bool { rawValue >> 58 & 1 != 0 }

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
