/// A PCI function as it was found in the machine.
public struct FunctionFacts: Sendable {
    /// How it can be brought back to what it is after power-on; the raw values are those of `Platform.ResetMethod`.
    public enum Reset: UInt8, Sendable {
        case none = 0
        /// Function level reset (PCI Express Base 6.0, section 6.6.2).
        case functionLevel = 1
        /// D3hot and back (section 5.3.1.4).
        case powerState = 2
        /// The reset of its whole bus (section 6.6.1).
        case bus = 3
    }

    public var address = FunctionAddress()
    public var vendor: UInt16 = 0
    public var device: UInt16 = 0
    /// Class, subclass and programming interface in bits 23:0.
    public var classCode: UInt32 = 0
    /// The lowest requester id of its isolation group.
    public var group: UInt16 = 0
    public var isBridge = false
    /// The requester id of the bridge to its bus; 0 on bus 0.
    public var bridge: UInt16 = 0
    /// Whether the firmware's tables keep memory for it (RMRR, IVMD).
    public var isReserved = false
    public var reset = Reset.none
    /// SR-IOV (section 9.3.3): how many virtual functions it has, at which distance from its own requester id the first
    /// is and the others from each other, and their device id. Zeros where it has none.
    public var virtualTotal: UInt16 = 0
    public var virtualOffset: UInt16 = 0
    public var virtualStride: UInt16 = 0
    public var virtualDevice: UInt16 = 0
    /// The group of its virtual functions; nil when each has one of its own.
    public var virtualGroup: UInt16?
    /// Of each BAR, the exponent of its size; 0 where there is none. Bit 7: it has I/O ports.
    public var barSizes = InlineArray<6, UInt8>(repeating: 0)

    public init() {}

    /// Whether the machine itself depends on it: host and other bridges (base class 06h), IOMMUs (0806h).
    var isOfTheMachine: Bool { isBridge || classCode >> 16 & 0xFF == 0x06 || classCode >> 8 & 0xFFFF == 0x0806 }

    /// Which of its virtual functions, counted from 0, has this address; nil when none has.
    func virtualIndex(of address: FunctionAddress) -> Int? {
        let distance = Int(address.requester) - Int(self.address.requester) - Int(virtualOffset)
        guard distance >= 0, virtualTotal > 0 else { return nil }
        let stride = max(Int(virtualStride), 1)
        guard distance % stride == 0, distance / stride < Int(virtualTotal) else { return nil }
        return distance / stride
    }
}

/// The functions of a machine, at most 128.
public struct FunctionList: Sendable {
    public static let capacity = 128
    public private(set) var functions = InlineArray<128, FunctionFacts>(repeating: FunctionFacts())
    public private(set) var count = 0
    public init() {}

    /// False, and nothing changed, when the list is full: what is not listed cannot be owned.
    @discardableResult
    public mutating func append(_ function: FunctionFacts) -> Bool {
        guard count < Self.capacity else { return false }
        functions[count] = function
        count += 1
        return true
    }

    /// - Parameter index: below `count`.
    public mutating func replace(_ index: Int, by function: FunctionFacts) { functions[index] = function }

    /// The index of the function at `address`; nil when there is none.
    public func index(of address: FunctionAddress) -> Int? {
        for i in 0..<count where functions[i].address == address { return i }
        return nil
    }

    /// The physical function that has the virtual function at `address`, and that one's number from 0.
    func physicalFunction(of address: FunctionAddress) -> (index: Int, number: Int)? {
        for i in 0..<count {
            if let number = functions[i].virtualIndex(of: address) { return (i, number) }
        }
        return nil
    }

    /// The isolation group of a function, whether it is listed or a virtual one that is still to be enabled.
    func group(of address: FunctionAddress) -> UInt16 {
        if let i = index(of: address) { return functions[i].group }
        guard let physical = physicalFunction(of: address) else { return address.requester }
        return functions[physical.index].virtualGroup ?? address.requester
    }
}
