/// Where a PCI function is: segment 0, bus, device and function in the 16 bits of a requester id (PCI Express Base 6.0,
/// section 2.2.6.2).
public struct FunctionAddress: Equatable, Sendable {
    public var requester: UInt16
    public init(requester: UInt16 = 0) { self.requester = requester }
    /// `device` is 0 to 31, `function` 0 to 7; higher bits are dropped.
    public init(bus: UInt8, device: UInt8, function: UInt8) {
        requester = UInt16(bus) << 8 | UInt16(device & 31) << 3 | UInt16(function & 7)
    }
    public var bus: UInt8 { UInt8(truncatingIfNeeded: requester >> 8) }
    public var device: UInt8 { UInt8(truncatingIfNeeded: requester >> 3) & 31 }
    public var function: UInt8 { UInt8(truncatingIfNeeded: requester) & 7 }
}
