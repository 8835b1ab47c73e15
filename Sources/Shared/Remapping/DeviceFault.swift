/// Something that a function tried and a remapping unit refused.
public struct DeviceFault: Equatable, Sendable {
    /// Bus, device and function; 0 where the unit itself is at fault.
    public var requester: UInt16 = 0
    /// Where the access went, to 4 KiB or better; of an interrupt, the index of its entry.
    public var address: UInt64 = 0
    public var isWrite = false
    public var isInterrupt = false
    /// VT-d: the fault reason (VT-d specification, appendix A). AMD: the event code (specification 48882, section 2.5),
    /// 1 to 15.
    public var reason: UInt8 = 0

    public init() {}

    /// What was tried, for events and crash records: bits 15:0 the requester, 16 write, 17 interrupt, 31:24 the reason.
    public var code: UInt64 {
        UInt64(requester) | (isWrite ? 1 << 16 : 0) | (isInterrupt ? 1 << 17 : 0) | UInt64(reason) << 24
    }
}
