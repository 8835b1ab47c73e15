import Text

/// One end of a channel.
public struct ChannelEnd: Sendable {
    /// The index of the partition that has it.
    public var partition = 0
    /// The network address of its function, the first byte in bits 7:0.
    public var mac: UInt64 = 0
    /// How often a second its guest may be interrupted for what has come, at most `ChannelSpec.maxKicks`; 0: never, it finds that when it
    /// exits by itself.
    public var kick: UInt32 = 20_000
    /// Bytes a second that it may send; all ones, which is more than a core copies, where nobody bounds it.
    public var rate = UInt32.max
    /// Whether what leaves it is encrypted, and only what the other end of the seal has encrypted reaches it (decisions/sealed-wires.md).
    public var isSealed = false
    public init() {}
}

/// What two partitions share: a wire between a network card of each, memory of which each writes a half, or a port of each.
public struct ChannelSpec: Sendable {
    public var name = Label()
    public var ends = [2 of ChannelEnd](repeating: ChannelEnd())
    /// Bytes behind the Ethernet header, `minMTU` (virtio 1.2, section 5.1.4.1) to `maxMTU`; 0 of shared memory, 1 of a port.
    public var mtu: UInt16 = maxMTU
    public var isMemory: Bool { mtu == 0 }
    public var isPort: Bool { mtu == 1 }
    public static let minMTU: UInt16 = 68, maxMTU: UInt16 = 1500
    public static let maxKicks: UInt32 = 1_000_000
    public init() {}
}
