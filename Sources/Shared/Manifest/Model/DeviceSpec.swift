import PCI
import Text

/// One PCI function that a partition owns.
public struct DeviceSpec: Equatable, Sendable {
    /// A virtual function is named by its own address, although the function exists only once it is enabled.
    public var address = FunctionAddress()
    /// What must be found there; 0: whatever it is.
    public var vendor: UInt16 = 0
    public var device: UInt16 = 0
    /// Of a physical function: how many of its virtual functions are enabled (SR-IOV).
    public var virtualFunctions: UInt8 = 0
    /// Whether the owner accepts that nothing can reset this function between two guests.
    public var acceptsNoReset = false
    public init() {}
}

/// The functions of one partition.
public typealias DeviceList = BoundedList<8, DeviceSpec>
