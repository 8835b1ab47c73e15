import PCI

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

/// The functions of one partition, at most eight.
public struct DeviceList: Sendable {
    public static let capacity = 8
    public package(set) var devices = InlineArray<8, DeviceSpec>(repeating: DeviceSpec())
    public private(set) var count = 0
    public init() {}
    /// False, and nothing changed, when the list is full.
    @discardableResult
    public mutating func append(_ device: DeviceSpec) -> Bool {
        guard count < Self.capacity else { return false }
        devices[count] = device
        count += 1
        return true
    }

    /// What the list says of a function; nil when it does not name it.
    public subscript(_ address: FunctionAddress) -> DeviceSpec? {
        for k in 0..<count where devices[k].address == address { return devices[k] }
        return nil
    }
}
