import Manifest

/// What `hello` answers: the machine and the hypervisor that holds it.
public struct MachineInfo: ControlMessage, Sendable {
    /// The hypervisor's version, e.g. "0.1.0".
    public var version = Label()
    /// The machine's name, from the manifest.
    public var name = Label()
    public var cores = 0
    /// Bytes of memory that the firmware reported as usable.
    public var memory: UInt64 = 0
    /// Bytes of the hypervisor's program: code and constants.
    public var imageBytes: UInt64 = 0
    /// Bytes of memory that the hypervisor keeps for itself, in all partitions together.
    public var hypervisorMemory: UInt64 = 0
    /// Microseconds from the hypervisor's first instruction to the first guest instruction; 0 before that.
    public var startMicroseconds: UInt64 = 0
    /// Microseconds since the hypervisor's first instruction.
    public var uptimeMicroseconds: UInt64 = 0
    public var partitions = 0
    /// Damaged frames that the hypervisor's end of the link has dropped.
    public var damagedFrames: UInt64 = 0

    /// What the trust in it hangs from; what is not there is weaker (Documentation/trust.md).
    public var trust = TrustAnchors()

    public init() {}

    public static var fieldCount: Int { 11 }

    public mutating func fields<C: FieldCoder & ~Copyable & ~Escapable>(_ coder: inout C) {
        coder.field(1, &version)
        coder.field(2, &name)
        coder.field(3, &cores)
        coder.field(4, &memory)
        coder.field(5, &imageBytes)
        coder.field(6, &hypervisorMemory)
        coder.field(7, &startMicroseconds)
        coder.field(8, &uptimeMicroseconds)
        coder.field(9, &partitions, max: Manifest.maxPartitions)
        coder.field(10, &damagedFrames)
        coder.field(11, &trust)
    }
}
