import Text

/// Why a physical function cannot have the virtual functions that are asked for.
public enum VirtualFunctionError: Words, Error, Sendable {
    /// No SR-IOV capability, or none that works with pages of 4 KiB.
    case absent = " has no virtual functions"
    /// Somebody has enabled some already.
    case enabled = " has virtual functions that the firmware has enabled"
    /// More than there are.
    case tooMany = " has not so many virtual functions"
    /// Their requester ids lie outside of the buses that firmware has set aside.
    case noBus = ": firmware has left no bus numbers for its virtual functions"
    /// Firmware has given their registers no addresses, or unaligned ones.
    case noAddresses = ": firmware has left no memory for its virtual functions"
}

/// The virtual functions of a physical one (PCI Express Base 6.0, section 9.3.3), numbered from 0.
public struct VirtualFunctions: Sendable {
    public private(set) var physical: UInt16 = 0
    /// Where the capability is in the physical function; 0: there are none.
    private var capability = 0
    private var resizable = 0
    /// Whether firmware routes by 8-bit function numbers, on which `offset` and `stride` depend.
    private var routing: UInt32 = 0
    /// How many there can be.
    public private(set) var total = 0
    /// From the physical function's requester id to that of number 0, and from each to the next.
    public private(set) var offset: UInt16 = 0
    public private(set) var stride: UInt16 = 0
    public private(set) var device: UInt16 = 0
    /// Registers of number 0; each size is that of one virtual function.
    public private(set) var bars = InlineArray<6, BaseAddress>(repeating: BaseAddress())

    /// None.
    public init() {}

    /// Reads what there is, while no virtual function is enabled. Sizes are found by writing; all is as it was afterwards.
    public init(
        of function: borrowing FunctionDescription, on space: some ConfigurationSpace
    ) throws(VirtualFunctionError) {
        let id = function.requester, at = function.sriov
        guard at != 0, space.read(id, at + Register.supportedPages, size: 4) & 1 != 0 else { throw .absent }
        let control = space.read(id, at + Register.control, size: 2)
        guard control & Control.enable == 0 else { throw .enabled }
        routing = control & Control.alternativeRouting
        physical = id
        capability = at
        resizable = function.virtualResizable
        let pages = space.read(id, at + Register.pages, size: 4)
        let number = space.read(id, at + Register.number, size: 2)
        let initial = space.read(id, at + Register.initial, size: 2)
        total = Int(min(initial, space.read(id, at + Register.total, size: 2)))
        // Sizes depend on the size of a page, offset and stride on the number.
        space.write(id, at + Register.pages, size: 4, 1)
        space.write(id, at + Register.number, size: 2, UInt32(total))
        offset = UInt16(truncatingIfNeeded: space.read(id, at + Register.offset, size: 2))
        stride = UInt16(truncatingIfNeeded: space.read(id, at + Register.stride, size: 2))
        device = UInt16(truncatingIfNeeded: space.read(id, at + Register.device, size: 2))
        bars = BusScan(space).baseAddresses(id, at: at + Register.bars)
        space.write(id, at + Register.number, size: 2, number)
        space.write(id, at + Register.pages, size: 4, pages)
    }

    /// Refuses a number that cannot be enabled, and registers of which two would lie in one page.
    /// - Parameter lastBus: of those behind the bridge above the physical function.
    public func require(_ count: Int, lastBus: UInt8) throws(VirtualFunctionError) {
        guard count > 0 else { return }
        guard capability != 0 else { throw .absent }
        guard count <= total, stride != 0 || count == 1, offset != 0 else { throw .tooMany }
        let last = Int(physical) + Int(offset) + (count - 1) * Int(stride)
        guard last >> 8 <= Int(lastBus) else { throw .noBus }
        for i in 0..<6 where bars[i].kind != .none {
            let bar = bars[i]
            guard bar.kind != .port, bar.hasAddress, bar.size & 0xFFF == 0 else { throw .noAddresses }
        }
    }

    /// Requester id of number `k`; wraps around where `require` would have refused.
    public func requester(_ k: Int) -> UInt16 { physical &+ offset &+ stride &* UInt16(truncatingIfNeeded: k) }

    /// Whether one of the first `count` has the requester id of one of the first `otherCount` of others, or registers in a
    /// page with some of theirs.
    public func meet(_ count: Int, _ other: borrowing VirtualFunctions, _ otherCount: Int) -> Bool {
        for k in 0..<count {
            for n in 0..<otherCount where requester(k) == other.requester(n) { return true }
        }
        for i in 0..<6 {
            guard let pages = bars[i].pages(count) else { continue }
            for k in 0..<6 where other.bars[k].pages(otherCount)?.overlaps(pages) ?? false { return true }
        }
        return false
    }

    /// Enables the first `count`, and again after a reset of the physical function, which disables them.
    /// - Returns: for how many microseconds nobody may address them; 0 when some are enabled, which changes nothing, or
    ///   when the function would place this many elsewhere than `requester` and `bars` say.
    public func enable(_ count: Int, on space: borrowing some ConfigurationSpace) -> UInt32 {
        guard count > 0, capability != 0 else { return 0 }
        let control = space.read(physical, capability + Register.control, size: 2)
        guard control & Control.enable == 0 else { return 0 }
        space.write(physical, capability + Register.control, size: 2, routing)
        space.write(physical, capability + Register.pages, size: 4, 1)
        space.write(physical, capability + Register.number, size: 2, UInt32(truncatingIfNeeded: count))
        let first = space.read(physical, capability + Register.offset, size: 2)
        let distance = space.read(physical, capability + Register.stride, size: 2)
        guard first == offset, count == 1 || distance == stride else { return 0 }
        guard space.restore(bars, of: physical, at: capability + Register.bars, resizable: resizable) else { return 0 }
        space.write(physical, capability + Register.control, size: 2, routing | Control.enable | Control.memory)
        return 100_000
    }

    /// Ends those that somebody else has enabled, for good: they could only be enabled again a second later.
    public static func disable(of function: borrowing FunctionDescription, on space: borrowing some ConfigurationSpace)
    {
        guard function.sriov != 0 else { return }
        let control = space.read(function.requester, function.sriov + Register.control, size: 2)
        guard control & Control.enable != 0 else { return }
        let disabled = control & ~(Control.enable | Control.memory)
        space.write(function.requester, function.sriov + Register.control, size: 2, disabled)
    }

    /// Number `k`, which must be enabled: identifiers and registers come from the physical function, capabilities from its
    /// own configuration space, which is only read.
    /// - Returns: nil when it does not answer.
    public func describe(
        _ k: Int, of function: borrowing FunctionDescription, on space: some ConfigurationSpace
    ) -> FunctionDescription? {
        var found = FunctionDescription()
        let id = requester(k)
        let classes = space.read(id, 8, size: 4)
        guard classes != .max else { return nil }
        found.address = FunctionAddress(requester: id)
        found.physicalFunction = physical
        found.vendor = function.vendor
        found.device = device
        found.classCode = classes >> 8
        found.revision = UInt8(truncatingIfNeeded: classes)
        found.subsystemVendor = function.subsystemVendor
        found.subsystem = UInt16(truncatingIfNeeded: space.read(id, 0x2E, size: 2))
        found.bridge = function.bridge
        // Mandatory for virtual functions (section 9.4.2.2).
        found.reset = .functionLevel
        for i in 0..<6 where bars[i].kind != .none {
            found.bars[i] = bars[i]
            found.bars[i].address &+= bars[i].size &* UInt64(truncatingIfNeeded: k)
        }
        BusScan(space).readCapabilities(&found)
        return found
    }
}

/// Offsets in the capability.
private enum Register {
    static let control = 0x08
    static let initial = 0x0C
    static let total = 0x0E
    static let number = 0x10
    static let offset = 0x14
    static let stride = 0x16
    static let device = 0x1A
    static let supportedPages = 0x1C
    static let pages = 0x20
    static let bars = 0x24
}

private enum Control {
    static let enable: UInt32 = 1 << 0
    static let memory: UInt32 = 1 << 3
    /// ARI Capable Hierarchy.
    static let alternativeRouting: UInt32 = 1 << 4
}
