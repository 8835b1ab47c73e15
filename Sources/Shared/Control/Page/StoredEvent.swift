/// An event as it lies on a control page: numbers, since its reader does not trust who can write there, and a value that an
/// enumeration does not have, or a count beyond its bound, would lead anywhere.
public struct StoredEvent {
    /// Kind, state, cause and vCPU, a byte each.
    private var tag: UInt64 = 0
    private var code: UInt64 = 0
    private var address: UInt64 = 0
    public let tsc: UInt64

    public init() { tsc = 0 }

    /// Of the event, what a partition's own cores know.
    public init(_ event: ControlEvent, _ state: PartitionState, _ cause: StateCause, tsc: UInt64) {
        let what = UInt64(event.kind.rawValue) | UInt64(state.rawValue) << 8 | UInt64(cause.rawValue) << 16
        tag = what | UInt64(truncatingIfNeeded: event.vcpu) << 24
        (code, address, self.tsc) = (event.code, event.address, tsc)
    }

    /// What nobody knows reads as the fault of a crashed partition.
    public var event: ControlEvent {
        func byte(_ index: UInt64) -> UInt8 { UInt8(truncatingIfNeeded: tag >> (index * 8)) }
        var event = ControlEvent(ControlEvent.Kind(rawValue: byte(0)) ?? .fault)
        event.state = PartitionState(rawValue: byte(1)) ?? .crashed
        event.cause = StateCause(rawValue: byte(2)) ?? .violation
        event.vcpu = Int(byte(3) & 63)
        event.code = code
        event.address = address
        return event
    }
}
