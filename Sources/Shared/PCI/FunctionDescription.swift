/// A base address register, or what a virtual function has in its place.
public struct BaseAddress: Equatable, Sendable {
    public enum Kind: UInt8, Sendable { case none, memory32, memory64, port }
    public var kind = Kind.none
    public var isPrefetchable = false
    /// Physical address, as firmware has set it.
    public var address: UInt64 = 0
    /// Bytes, a power of two; 0 when the register is not there.
    public var size: UInt64 = 0
    public init() {}

    /// A register; none when `size` is 0.
    public init(_ kind: Kind, address: UInt64, size: UInt64) {
        self.kind = size == 0 ? .none : kind
        self.address = size == 0 ? 0 : address
        self.size = size
    }
}

/// Where an MSI-X capability has its table and its pending bits (PCI Express Base 6.0, section 7.7.2).
public struct MSIXDescription: Equatable, Sendable {
    /// Offset of the capability; 0 when there is none.
    public var capability = 0
    /// 1 to 2048.
    public var entries = 0
    public var tableBAR = 0
    public var tableOffset: UInt64 = 0
    public var pendingBAR = 0
    public var pendingOffset: UInt64 = 0
    public init() {}
}

/// One function as the machine has it, found at boot. Offsets are in configuration space, 0 where there is none.
public struct FunctionDescription: Sendable {
    public var address = FunctionAddress()
    public var vendor: UInt16 = 0
    public var device: UInt16 = 0
    public var subsystemVendor: UInt16 = 0
    public var subsystem: UInt16 = 0
    /// Class, subclass and programming interface in bits 23:0.
    public var classCode: UInt32 = 0
    public var revision: UInt8 = 0
    public var isBridge = false
    /// The bridge to the function's bus; 0 on bus 0, where the host bridge is no bridge to reset.
    public var bridge: UInt16 = 0
    /// The highest bus number to which that bridge leads; 0 on bus 0.
    public var lastBus: UInt8 = 0
    /// Of a bridge: the bus behind it, and the highest bus number there.
    public var secondaryBus: UInt8 = 0
    public var subordinateBus: UInt8 = 0
    /// Index n is the register at 10h + 4n; the upper half of a 64-bit one is `.none`.
    public var bars = InlineArray<6, BaseAddress>(repeating: BaseAddress())
    public var powerManagement = 0
    public var express = 0
    public var msi = 0
    public var msix = MSIXDescription()
    /// Extended capabilities.
    public var sriov = 0
    public var accessControl = 0
    /// Of its own base address registers, and of its virtual functions'.
    public var resizable = 0
    public var virtualResizable = 0
    /// Whether PCI Express' function level reset is there.
    public var hasFunctionReset = false
    public var reset = ResetMethod.none
    /// The lowest requester id of its isolation group.
    public var group: UInt16 = 0
    /// Whether the firmware's tables keep memory for it (RMRR, IVMD).
    public var isReserved = false
    /// SR-IOV (PCI Express Base 6.0, section 9.3.3): how many virtual functions it has, at which distance from its own
    /// requester id the first is and the others from each other, and their device id. Zeros where it has none.
    public var virtualTotal: UInt16 = 0
    public var virtualOffset: UInt16 = 0
    public var virtualStride: UInt16 = 0
    public var virtualDevice: UInt16 = 0
    /// The group of its virtual functions; nil when each has one of its own.
    public var virtualGroup: UInt16?
    /// Of a virtual function: its physical function; its identifiers and BARs come from there.
    public var physicalFunction: UInt16?
    /// The other id that its requests may carry: a bridge to conventional PCI stands above it, or firmware says so.
    public var alias: UInt16?

    public init() {}

    public var requester: UInt16 { address.requester }
}

extension BaseAddress {
    public var isMemory: Bool { kind == .memory32 || kind == .memory64 }

    /// Whether firmware has given it an address: not 0, aligned to its size, a power of two, of at most 52 bits.
    public var hasAddress: Bool { size.nonzeroBitCount == 1 && address & (size &- 1) == 0 && 1..<1 << 52 ~= address }

    /// The 4 KiB pages of memory that it touches, nil when it has none.
    public var pages: Range<UInt64>? {
        guard isMemory, size > 0, address != 0 else { return nil }
        // What nobody has given an address may have one at the very end.
        let (end, isBeyond) = address.addingReportingOverflow(size - 1)
        return address & ~0xFFF..<(isBeyond || end > ~0xFFF - 1 ? .max : (end | 0xFFF) + 1)
    }

    /// The pages of `count` (1 or more) such registers that follow each other; nil without memory or without an address.
    public func pages(_ count: Int) -> Range<UInt64>? {
        guard isMemory, hasAddress, size < 1 << 52, count > 0, count <= 256 else { return nil }
        return address & ~0xFFF..<(address + size * UInt64(count) + 0xFFF) & ~0xFFF
    }
}

extension ConfigurationSpace {
    /// Writes base address registers from `offset` on, and before them the sizes of those that `resizable` names (PCI
    /// Express Base 6.0, section 7.8.6; 0: none). The function decodes nothing.
    /// - Returns: whether all read back as they were, sizes too: a reset brings back the size that is the default.
    func restore(
        _ bars: InlineArray<6, BaseAddress>, of function: UInt16, at offset: Int, resizable: Int
    ) -> Bool {
        let count = resizable == 0 ? 0 : min(read(function, resizable + 8, size: 4) >> 5 & 7, 6)
        for n in 0..<Int(count) {
            let control = read(function, resizable + 8 + n * 8, size: 4), bar = Int(control & 7)
            guard bar < 6, bars[bar].size >= 1 << 20 else { continue }
            let size = UInt32(43 - bars[bar].size.leadingZeroBitCount) << 8
            write(function, resizable + 8 + n * 8, size: 4, control & ~0x3F00 | size)
        }
        write(bars, of: function, at: offset)
        let found = BusScan(self).baseAddresses(function, at: offset)
        for i in 0..<6 where found[i] != bars[i] { return false }
        return true
    }

    /// Writes base address registers from `offset` on.
    public func write(_ bars: InlineArray<6, BaseAddress>, of function: UInt16, at offset: Int) {
        for i in 0..<6 where bars[i].kind != .none {
            write(function, offset + i * 4, size: 4, UInt32(truncatingIfNeeded: bars[i].address))
            guard bars[i].kind == .memory64 else { continue }
            write(function, offset + i * 4 + 4, size: 4, UInt32(truncatingIfNeeded: bars[i].address >> 32))
        }
    }
}
