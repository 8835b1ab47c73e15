/// The functions of a machine, bridges included, at most 128. What the inventory lists, a manifest is held against and
/// partitions own comes from here.
public struct FunctionList: Sendable {
    public static let capacity = 128
    public private(set) var functions = InlineArray<128, FunctionDescription>(repeating: FunctionDescription())
    public private(set) var count = 0
    public init() {}

    /// False, and nothing changed, when the list is full: what is not listed cannot be owned.
    @discardableResult
    public mutating func append(_ function: FunctionDescription) -> Bool {
        guard count < Self.capacity else { return false }
        functions[count] = function
        count += 1
        return true
    }

    /// Adds every function of a machine, with its isolation group and how it can be reset.
    /// - Parameters:
    ///   - alias: the id that requests of a function carry where the firmware's tables name one.
    ///   - isReserved: whether the firmware's tables keep memory for a function, or name its id an interrupt source's.
    /// - Returns: false when there was no room for all: then they make up one group.
    @discardableResult
    public mutating func scan(
        _ space: some ConfigurationSpace, alias: (UInt16) -> UInt16? = { _ in nil },
        isReserved: (UInt16) -> Bool = { _ in false }
    ) -> Bool {
        var groups = IsolationGroups()
        let reset = FunctionReset(space)
        BusScan(space).forEach { function in
            groups.add(function, on: space)
            function.alias = groups.alias(of: function) ?? alias(function.requester)
            function.isReserved = isReserved(function.requester)
            function.reset = reset.method(of: function)
            if let virtual = try? VirtualFunctions(of: function, on: space) {
                function.virtualTotal = UInt16(truncatingIfNeeded: virtual.total)
                (function.virtualOffset, function.virtualStride) = (virtual.offset, virtual.stride)
                function.virtualDevice = virtual.device
            }
            append(function)
        }
        // Who may pass for one another: a bridge's id and one that firmware names can both be a function's.
        for i in 0..<count {
            let ids: [2 of UInt16?] = [functions[i].alias, alias(functions[i].requester)]
            for n in 0..<2 where ids[n] != nil {
                for k in 0..<count {
                    let other = functions[k].requester
                    guard other == ids[n] || functions[k].alias == ids[n] || alias(other) == ids[n] else { continue }
                    groups.join(functions[i].requester, other)
                }
            }
        }
        for i in 0..<count {
            // Surer than a change of power states, in which some devices keep what they know.
            var canResetBus = functions[i].reset != .functionLevel && groups.canResetBus(of: functions[i])
            // What the machine itself depends on would be reset with it, or one that does not come back.
            for k in 0..<count where functions[k].bridge == functions[i].bridge {
                if functions[k].isOfTheMachine || functions[k].isLostInBusReset { canResetBus = false }
            }
            if canResetBus { functions[i].reset = .bus }
            functions[i].group = groups.isComplete ? groups.group(of: functions[i].requester) : 0
            let virtualGroup = groups.group(virtualFunctionsOf: functions[i])
            functions[i].virtualGroup = groups.isComplete ? virtualGroup : 0
        }
        return groups.isComplete
    }

    /// Whether a function is as it was when the list was made: the same one, with the same registers and buses.
    public func has(_ now: borrowing FunctionDescription) -> Bool {
        guard let i = index(of: now.address), functions[i].vendor == now.vendor, functions[i].device == now.device,
            functions[i].classCode == now.classCode, functions[i].bridge == now.bridge,
            functions[i].secondaryBus == now.secondaryBus, functions[i].subordinateBus == now.subordinateBus,
            functions[i].express == now.express, functions[i].accessControl == now.accessControl
        else { return false }
        for k in 0..<6 where functions[i].bars[k] != now.bars[k] { return false }
        return true
    }

    /// The requester id of one that does not answer any more as what it was; nil: all do.
    public func missing(on space: borrowing some ConfigurationSpace) -> UInt16? {
        for i in 0..<count {
            let id = UInt32(functions[i].device) << 16 | UInt32(functions[i].vendor)
            if space.read(functions[i].requester, 0, size: 4) != id { return functions[i].requester }
        }
        return nil
    }

    /// The index of the function at `address`; nil when there is none.
    public func index(of address: FunctionAddress) -> Int? {
        for i in 0..<count where functions[i].address == address { return i }
        return nil
    }

    /// The physical function that has the virtual function at `address`, and that one's number from 0.
    public func physicalFunction(of address: FunctionAddress) -> (index: Int, number: Int)? {
        for i in 0..<count {
            if let number = functions[i].virtualIndex(of: address) { return (i, number) }
        }
        return nil
    }

    /// The isolation group of a function, whether it is listed or a virtual one that is still to be enabled.
    public func group(of address: FunctionAddress) -> UInt16 {
        if let i = index(of: address) { return functions[i].group }
        guard let physical = physicalFunction(of: address) else { return address.requester }
        return functions[physical.index].virtualGroup ?? address.requester
    }
}

extension FunctionDescription {
    /// Whether the machine itself depends on it: host and other bridges (base class 06h), IOMMUs (0806h).
    public var isOfTheMachine: Bool { isBridge || classCode >> 16 & 0xFF == 0x06 || classCode >> 8 & 0xFFFF == 0x0806 }

    /// Whether it is known not to come back from a reset of its bus: some of Atheros' wireless cards, of which reads of configuration space then stop
    /// the machine; others of TI's, NVIDIA's and LSI's, which want a cold start.
    var isLostInBusReset: Bool {
        switch (vendor, device) {
        case (0x168C, 0x30...0x3E), (0x104C, 0xB005), (0x10DE, 0x2340...0x237F), (0x10DE, 0x1EB8),
            (0x11C1, 0x5900...0x5901):
            true
        default: false
        }
    }

    /// Whether it is an xHCI or EHCI controller, or one of USB's at all, with registers in BAR 0.
    public var isXHCI: Bool { classCode == 0x0C0330 && isUSB }
    public var isEHCI: Bool { classCode == 0x0C0320 && isUSB }
    public var isUSB: Bool { classCode >> 8 == 0x0C03 && bars[0].isMemory }

    /// Which of its virtual functions, counted from 0, has this address; nil when none has.
    func virtualIndex(of address: FunctionAddress) -> Int? {
        let distance = Int(address.requester) - Int(requester) - Int(virtualOffset)
        guard distance >= 0, virtualTotal > 0 else { return nil }
        let stride = max(Int(virtualStride), 1)
        guard distance % stride == 0, distance / stride < Int(virtualTotal) else { return nil }
        return distance / stride
    }
}
