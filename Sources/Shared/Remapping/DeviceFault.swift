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
}
