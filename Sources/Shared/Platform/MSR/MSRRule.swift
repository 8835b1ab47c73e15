import X86

/// What happens when a guest executes RDMSR or WRMSR of a register that has an entry.
public enum MSRRule: Sendable {
    /// The permitted instructions do not exit; a write to a read-only or a read of a write-only register is refused.
    case readWrite, readOnly, writeOnly
    /// Reads do not exit; writes are emulated, see `MSREmulation`.
    case readable

    /// Whether RDMSR, or WRMSR, reaches the processor.
    public var reads: Bool { self != .writeOnly }
    public var writes: Bool { self == .readWrite || self == .writeOnly }
}

/// One entry of the allow-list of model-specific registers.
public struct MSREntry: Sendable {
    public let first: UInt32
    public let last: UInt32
    public let rule: MSRRule
    /// Whose processors have it; nil for both.
    public let vendor: Vendor?

    init(_ first: UInt32, _ last: UInt32? = nil, rule: MSRRule, vendor: Vendor? = nil) {
        (self.first, self.last, self.rule, self.vendor) = (first, last ?? first, rule, vendor)
    }

    /// Whether it is there for guests on processors of `other`.
    public func exists(on other: Vendor) -> Bool { vendor == nil || vendor == other }
}
