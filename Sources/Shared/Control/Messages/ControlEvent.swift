import CBOR
import Manifest
import Text
import PCI

/// Something that happened, told unasked to a manager that asked for `events`.
public struct ControlEvent: Sendable {
    public enum Kind: UInt8, Sendable {
        /// The partition went into `state` because of `cause`.
        case state = 0
        /// A guest or the hypervisor's instance below it faulted: see `vcpu`, `code` and `address`.
        case fault = 1
        /// A PCI function tried what its IOMMU refuses: see `access` and `address`. The partition is its owner, without a
        /// name when it has none.
        case device = 2

        public var name: StaticString {
            switch self {
            case .state: "state"
            case .fault: "fault"
            case .device: "device"
            }
        }
    }

    public var kind: Kind
    public var partition: Label
    /// Microseconds since the hypervisor's first instruction.
    public var clockMicroseconds: UInt64 = 0
    public var state: PartitionState
    public var cause: StateCause
    /// Faults: the vCPU.
    public var vcpu = 0
    /// Faults: the exception's vector, or the processor's exit code. Devices: a `RefusedAccess`.
    public var code: UInt64 = 0
    /// Faults: the instruction's address, or the guest-physical address that was out of bounds. Devices: the address of the
    /// access, or the index of the interrupt.
    public var address: UInt64 = 0
    /// How many events just before this one were lost, because nobody fetched them in time.
    public var lost: UInt64 = 0

    public init(_ kind: Kind, partition: Label, state: PartitionState, cause: StateCause) {
        self.kind = kind
        self.partition = partition
        self.state = state
        self.cause = cause
    }

    public func encode(into output: consuming MutableSpan<UInt8>) throws(CBORError) -> Int {
        var writer = CBORWriter(output)
        writer.map(9)
        writer.field(0, UInt64(kind.rawValue))
        writer.field(1, partition)
        writer.field(2, clockMicroseconds)
        writer.field(3, UInt64(state.rawValue))
        writer.field(4, UInt64(cause.rawValue))
        writer.field(5, UInt64(max(vcpu, 0)))
        writer.field(6, code)
        writer.field(7, address)
        writer.field(8, lost)
        return try writer.finish()
    }

    /// Reads an event frame's payload.
    public init(_ payload: borrowing Span<UInt8>) throws(CBORError) {
        self.init(.state, partition: Label(), state: .stopped, cause: .manifest)
        var reader = CBORReader(copy payload)
        var map = try reader.map(max: 64)
        while let key = try map.next(&reader) {
            switch key {
            case 0: kind = try reader.choice(Kind.self)
            case 1: partition = try reader.short(Label.self)
            case 2: clockMicroseconds = try reader.uint()
            case 3: state = try reader.choice(PartitionState.self)
            case 4: cause = try reader.choice(StateCause.self)
            case 5: vcpu = try reader.number(max: 63)
            case 6: code = try reader.uint()
            case 7: address = try reader.uint()
            case 8: lost = try reader.uint()
            default: try reader.skip()
            }
        }
        try reader.finish()
    }
}

/// What a PCI function tried in vain, in an event's `code`: bits 15:0 requester id, 16 write, 17 interrupt, 31:24 the
/// IOMMU's own reason (VT-d 4.1, section 7; AMD I/O Virtualization 3.08, section 2.5).
public struct RefusedAccess: Sendable {
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }
    public init(requester: UInt16, isWrite: Bool, isInterrupt: Bool, reason: UInt8) {
        rawValue = UInt64(requester) | (isWrite ? 1 << 16 : 0) | (isInterrupt ? 1 << 17 : 0) | UInt64(reason) << 24
    }
    public var function: FunctionAddress { FunctionAddress(requester: UInt16(truncatingIfNeeded: rawValue)) }
    public var isWrite: Bool { rawValue >> 16 & 1 == 1 }
    public var isInterrupt: Bool { rawValue >> 17 & 1 == 1 }
    public var reason: UInt8 { UInt8(truncatingIfNeeded: rawValue >> 24) }
}
