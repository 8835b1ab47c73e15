/// Where a PCI function is: segment 0, bus, device and function in the 16 bits of a requester id (PCI Express Base 6.0,
/// section 2.2.6.2).
public struct FunctionAddress: Equatable, Sendable {
    public var requester: UInt16
    public init(requester: UInt16 = 0) { self.requester = requester }
    public var bus: UInt8 { UInt8(truncatingIfNeeded: requester >> 8) }
    public var device: UInt8 { UInt8(truncatingIfNeeded: requester >> 3) & 31 }
    public var function: UInt8 { UInt8(truncatingIfNeeded: requester) & 7 }
}
