import Manifest

/// Something that happened, told unasked to a manager that asked for `events`.
public struct ControlEvent: ControlMessage, Sendable {
    /// The raw values travel on the link and never change.
    public enum Kind: UInt8, Sendable {
        /// The partition went into `state` because of `cause`.
        case state = 0
        /// A guest or the hypervisor's instance below it faulted: see `vcpu`, `code` and `address`.
        case fault = 1
        /// A PCI function tried what its IOMMU refuses: see `code` and `address`. The partition is its owner, without a
        /// name when it has none.
        case device = 2
        /// Something changed what the watch guards: see `vcpu`, `code` and `address`.
        case attack = 8
    }

    public var kind = Kind.state
    public var partition = Label()
    /// Microseconds since the hypervisor's first instruction.
    public var clockMicroseconds: UInt64 = 0
    public var state = PartitionState.stopped
    public var cause = StateCause.manifest
    /// Faults: the vCPU.
    public var vcpu = 0
    /// Faults: the exception's vector, or the processor's exit code. Devices: `DeviceFault.code`. Verdicts: bits 7:0 the rule
    /// (`WatchRule`), 15:8 the response (`WatchResponse`).
    public var code: UInt64 = 0
    /// Faults: the instruction's address, or the guest-physical address that was out of bounds. Devices: the address of the
    /// access, or the index of the interrupt. Verdicts: the guest-physical address, or the register's new value.
    public var address: UInt64 = 0
    /// How many events just before this one were lost, because nobody fetched them in time.
    public var lost: UInt64 = 0

    public init() {}
    public init(_ kind: Kind) { self.kind = kind }

    public static var fieldCount: Int { 9 }

    public mutating func fields<C: FieldCoder & ~Copyable & ~Escapable>(_ coder: inout C) {
        coder.field(0, &kind)
        coder.field(1, &partition)
        coder.field(2, &clockMicroseconds)
        coder.field(3, &state)
        coder.field(4, &cause)
        coder.field(5, &vcpu, max: 63)
        coder.field(6, &code)
        coder.field(7, &address)
        coder.field(8, &lost)
    }
}
