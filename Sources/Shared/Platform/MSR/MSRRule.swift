import X86

/// Which instructions of a guest reach a register of the processor.
public enum MSRAccess: UInt8, Sendable {
    case readWrite, readOnly, writeOnly
    public var reads: Bool { self != .writeOnly }
    public var writes: Bool { self != .readOnly }
}

/// What happens when a guest executes RDMSR or WRMSR.
public enum MSRRule: Equatable, Sendable {
    /// The permitted instructions do not exit; a write to a read-only or a read of a write-only register is refused.
    case passThrough(MSRAccess)
    /// See `MSREmulation`.
    case emulated
    /// Reads do not exit; writes are emulated.
    case readable
    /// #GP(0), as for a register that does not exist.
    case refused
}

/// One entry of the allow-list of model-specific registers.
public struct MSREntry: Sendable {
    public let first: UInt32
    public let last: UInt32
    public let rule: MSRRule
    /// Whose processors have it; nil for both.
    public let vendor: Vendor?

    init(_ first: UInt32, _ last: UInt32, rule: MSRRule, vendor: Vendor? = nil) {
        (self.first, self.last, self.rule, self.vendor) = (first, last, rule, vendor)
    }
    init(_ msr: UInt32, rule: MSRRule, vendor: Vendor? = nil) {
        (first, last, self.rule, self.vendor) = (msr, msr, rule, vendor)
    }

    /// Whether it is there for guests on processors of `other`.
    public func exists(on other: Vendor) -> Bool { vendor == nil || vendor == other }
}
