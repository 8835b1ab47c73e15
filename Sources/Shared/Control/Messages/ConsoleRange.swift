/// Which bytes of a console a backend gave. A console is a stream whose bytes are numbered from 0; the hypervisor keeps
/// the newest of them in a ring. `consoleRead` brings {1: position, 2: the bytes, exactly as the guest wrote them, 3: end},
/// `consoleWrite` {1: how many bytes the guest's UART took}; the rest is for the manager to send again.
///
/// `position` is that of the first byte given: above what was asked for when the guest has outrun the ring. `count` bytes were
/// given. `end` is the position that the guest's next byte will have.
public typealias ConsoleRange = (position: UInt64, count: Int, end: UInt64)
