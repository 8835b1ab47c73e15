import Text

/// What kind of device a virtio function is, by its type of device (virtio 1.2, chapter 5) in bits 7:0, or memory that it has instead
/// (`sharedMemory`): no virtio device, but numbered like one, as 1AF4h:1110h.
public enum VirtioKind: UInt16, Sendable {
    case none = 0
    case network = 1
    case console = 3
    case sharedMemory = 0xD0
    /// A console's function with one generic port and no console.
    case port = 0x103
}

/// A function of a guest's bus that the partition's device model stands for, as root mode describes it.
public struct ModelFunction: BitwiseCopyable, Sendable {
    /// A `VirtioKind`.
    public private(set) var kind: UInt16
    /// Of a network card, bytes; of a port, whether it leads to the management server.
    public private(set) var mtu: UInt16 = 0
    public private(set) var isControl = false
    /// Whether the other end of a wire or port may be interrupted.
    public private(set) var mayKick = false
    /// Whether this end of a wire is told of what comes (`Wire.isTold`).
    public private(set) var isTold = true
    /// Of a network card: its address, the first byte in bits 7:0, and the bytes a second that it may send.
    public private(set) var mac: UInt64 = 0
    public private(set) var rate: UInt64 = 0
    /// The channel's, of a port and of the sealed end of a wire; else empty.
    public private(set) var name = Text<31>()
    /// The halves of its channel, this end's first.
    public private(set) var own: UInt64 = 0
    public private(set) var peer: UInt64 = 0
    /// The page of MSI-X, or where shared memory begins, guest-physical.
    public internal(set) var page: UInt64 = 0

    public static let none = ModelFunction(.none)
    private init(_ kind: VirtioKind) { self.kind = kind.rawValue }

    public static let console = Self(.console)

    /// The management link's port.
    public static func control() -> Self {
        var function = Self(.port)
        function.isControl = true
        return function
    }

    /// - Parameters:
    ///   - mac: its address, the first byte in bits 7:0.
    ///   - mtu: bytes.
    ///   - rate: bytes a second.
    ///   - seal: the channel's name where the end is sealed.
    public static func network(
        mac: UInt64, mtu: UInt16, rate: UInt64 = 0, mayKick: Bool = true, isTold: Bool = true,
        seal: Text<31> = Text(), own: UInt64 = 0, peer: UInt64 = 0
    ) -> Self {
        var function = Self(.network)
        (function.mac, function.mtu, function.rate, function.mayKick) = (mac, mtu, rate, mayKick)
        (function.name, function.own, function.peer, function.isTold) = (seal, own, peer, isTold)
        return function
    }

    public static func port(_ name: Text<31>, mayKick: Bool = true, own: UInt64 = 0, peer: UInt64 = 0) -> Self {
        var function = Self(.port)
        (function.name, function.mayKick, function.own, function.peer) = (name, mayKick, own, peer)
        return function
    }

    public static func sharedMemory(own: UInt64 = 0, peer: UInt64 = 0) -> Self {
        var function = Self(.sharedMemory)
        (function.own, function.peer) = (own, peer)
        return function
    }

    /// Of the sealed end of a wire: the channel's name; else empty.
    public var seal: Text<31> { isSealed ? name : Text() }
    public var isSealed: Bool { kind == VirtioKind.network.rawValue && !name.isEmpty }
    var isMemory: Bool { kind == VirtioKind.sharedMemory.rawValue }
}
