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
        self.address = address
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
    public var requester: UInt16 = 0
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
    /// Of a bridge: the bus behind it.
    public var secondaryBus: UInt8 = 0
    /// Index n is the register at 10h + 4n; the upper half of a 64-bit one is `.none`.
    public var bars = InlineArray<6, BaseAddress>(repeating: BaseAddress())
    public var powerManagement = 0
    public var express = 0
    public var msi = 0
    public var msix = MSIXDescription()
    /// Extended capabilities.
    public var sriov = 0
    public var accessControl = 0
    /// Whether PCI Express' function level reset is there.
    public var hasFunctionReset = false
    /// Of a virtual function: its physical function; its identifiers and BARs come from there.
    public var physicalFunction: UInt16?
    /// The id that its requests carry where a bridge to conventional PCI stands above it.
    public var alias: UInt16?

    public init() {}
}

extension BaseAddress {
    public var isMemory: Bool { kind == .memory32 || kind == .memory64 }

    /// Whether firmware has given it an address: not 0, aligned to its size, of at most 52 bits.
    public var hasAddress: Bool { address != 0 && address & (size &- 1) == 0 && address >> 52 == 0 }

    /// The 4 KiB pages of memory that it touches, nil when it has none.
    public var pages: Range<UInt64>? {
        guard isMemory, size > 0, address != 0 else { return nil }
        return address & ~0xFFF..<(address &+ size &+ 0xFFF) & ~0xFFF
    }
}
