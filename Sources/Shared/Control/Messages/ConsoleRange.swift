/// Which bytes of a console a backend gave. A console is a stream whose bytes are numbered from 0; the hypervisor keeps
/// the newest of them in a ring. `consoleRead` brings {1: position, 2: the bytes, exactly as the guest wrote them, 3: end},
/// `consoleWrite` {1: how many bytes the guest's UART took}; the rest is for the manager to send again.
public struct ConsoleRange: Equatable, Sendable {
    /// The position of the first byte given. Above what was asked for when the guest has outrun the ring.
    public var position: UInt64
    /// How many bytes were given.
    public var count: Int
    /// The position that the guest's next byte will have.
    public var end: UInt64

    public init(position: UInt64, count: Int, end: UInt64) {
        self.position = position
        self.count = count
        self.end = end
    }
}
