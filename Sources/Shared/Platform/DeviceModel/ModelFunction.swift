import Text

/// What kind of device a virtio function is (virtio 1.2, chapter 5), or memory that it has instead (`sharedMemory`): no virtio
/// device, but numbered like one, as 1AF4h:1110h.
public enum VirtioKind: UInt16, Sendable {
    case none = 0
    case network = 1
    case console = 3
    case sharedMemory = 0xD0
}

/// A function of a guest's bus that the partition's device model stands for, as root mode describes it.
public struct ModelFunction: BitwiseCopyable, Sendable {
    /// A `VirtioKind`.
    public private(set) var kind: UInt16
    /// Of a network card, bytes; of a console, whether it leads to the management server.
    public private(set) var mtu: UInt16 = 0
    public private(set) var isControl = false
    /// Whether the other end of a wire may be interrupted.
    public private(set) var mayKick = false
    /// Of a network card: its address, the first byte in bits 7:0, and the bytes a second that it may send.
    public private(set) var mac: UInt64 = 0
    public private(set) var rate: UInt64 = 0
    /// Of the sealed end of a wire: the channel's name; else empty.
    public private(set) var seal = Text<31>()
    /// The halves of its channel, this end's first.
    public private(set) var own: UInt64 = 0
    public private(set) var peer: UInt64 = 0
    /// The page of MSI-X, or where shared memory begins, guest-physical.
    public internal(set) var page: UInt64 = 0

    public static let none = ModelFunction(.none)
    private init(_ kind: VirtioKind) { self.kind = kind.rawValue }

    public static func console(isControl: Bool = false) -> Self {
        var function = Self(.console)
        function.isControl = isControl
        return function
    }

    /// - Parameters:
    ///   - mac: its address, the first byte in bits 7:0.
    ///   - mtu: bytes.
    ///   - rate: bytes a second.
    ///   - seal: the channel's name where the end is sealed.
    public static func network(
        mac: UInt64, mtu: UInt16, rate: UInt64 = 0, mayKick: Bool = true, seal: Text<31> = Text(), own: UInt64 = 0,
        peer: UInt64 = 0
    ) -> Self {
        var function = Self(.network)
        (function.mac, function.mtu, function.rate, function.mayKick) = (mac, mtu, rate, mayKick)
        (function.seal, function.own, function.peer) = (seal, own, peer)
        return function
    }

    public static func sharedMemory(own: UInt64 = 0, peer: UInt64 = 0) -> Self {
        var function = Self(.sharedMemory)
        (function.own, function.peer) = (own, peer)
        return function
    }

    public var isSealed: Bool { !seal.isEmpty }
    var isMemory: Bool { kind == VirtioKind.sharedMemory.rawValue }
}
