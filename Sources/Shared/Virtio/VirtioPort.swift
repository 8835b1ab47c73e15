import Platform
import Text

/// Who is at the other end of a port, and the bytes both ways.
public protocol VirtioPeer: VirtioStream {
    /// Says whether the driver's end is open, and looks for the other one.
    mutating func update(isOpen: Bool)
    /// The number of who has the other end open, which is odd and never the same again; even: nobody has.
    var opener: UInt32 { get }
    /// From now on the bytes that come are that one's, and those that are sent for that one.
    mutating func follow(_ opener: UInt32)
    /// Whether all has been given that was sent by who had the other end open last.
    var isDrained: Bool { mutating get }
    /// Whether one exit has taken as many pieces as it may.
    var isSpent: Bool { get }
    /// Whether the last bytes found no room, and the other end says when there is some.
    var isFull: Bool { get }
    /// Notes that what the driver has sent was for nobody.
    mutating func drop()
    /// Forgets what has come: it was for who is gone.
    mutating func discard()
    /// Whether it takes what a program has left behind.
    var takesBacklog: Bool { get }
    /// Asks the other end to say when it sends more, instead of going on at once.
    /// - Returns: whether it does.
    mutating func rest() -> Bool
}

/// What a function with one generic port and its driver have agreed on (virtio 1.2, section 5.3).
struct VirtioPort: Sendable {
    /// Whether the driver is to be told that there is a port, and its name.
    var isNew = false
    var isUnnamed = false
    /// Whether the driver knows the port.
    var isReady = false
    /// Whether a program of the guest's has it open.
    private(set) var isOpen = false
    /// Chains that the last program has left behind, which are sent before the next one's.
    var left: UInt16 = 0
    /// Who has the other end open, as the driver was told last; even: nobody.
    var shown: UInt32 = 0
    /// The most buffers that the driver has offered for what comes.
    var buffers: UInt16 = 0

    /// Whether for the other end somebody is here.
    var isUp: Bool { isOpen || left > 0 }
    /// Whether the driver takes what the other end sends.
    var receives: Bool { isOpen && left == 0 && shown & 1 != 0 }

    /// Whether the driver does not know that another one has the other end open, or nobody.
    func isLate(_ opener: UInt32) -> Bool { shown & 1 != 0 && shown != opener }

    /// - Parameter waiting: how many chains the one that closes leaves behind.
    mutating func set(isOpen: Bool, waiting: UInt16) {
        if !isOpen, self.isOpen, shown & 1 != 0 { left = waiting }
        self.isOpen = isOpen
    }
}

// One generic port, number 0, on queues 0 and 1; its messages on queues 2 and 3 (section 5.3.2).
extension VirtioFunction {
    /// Moves what can be moved between the guest and the other end, and tells the driver who is there.
    /// - Parameter limit: bytes, each way.
    mutating func serve(
        port peer: inout some VirtioPeer, name: Text<31>, limit: Int, _ memory: borrowing GuestMemory
    ) -> VirtioProgress {
        guard isLive, hasPorts, kind == .port else {
            port = VirtioPort()
            peer.update(isOpen: false)
            return .idle
        }
        do throws(VirtioError) {
            var hasMore = try takeMessages(for: &peer, memory)
            peer.update(isOpen: port.isUp)
            if case .more = try sendBytes(to: &peer, limit: limit, memory) { hasMore = true }
            if case .more = try receiveBytes(from: &peer, limit: limit, memory) { hasMore = true }
            let shown = port.shown
            try giveMessages(of: &peer, name, memory)
            // Who has come may have sent already, and told of it.
            if port.shown != shown, case .more = try receiveBytes(from: &peer, limit: limit, memory) { hasMore = true }
            for i in 0..<4 where try queues[i].mustInterrupt(hasEvents: hasEvents, memory) {
                raise(queues[i].vector, 1)
            }
            return hasMore ? .more : .idle
        } catch {
            fail()
            port = VirtioPort()
            peer.update(isOpen: false)
            return .idle
        }
    }

    /// What the guest has sent goes to who its driver knows of, and to nobody else.
    private mutating func sendBytes(
        to peer: inout some VirtioPeer, limit: Int, _ memory: borrowing GuestMemory
    ) throws(VirtioError) -> VirtioProgress {
        guard port.isUp, port.shown & 1 != 0, port.shown == peer.opener else {
            for _ in 0..<VirtioQueue.maxSize {
                guard let chain = try queues[1].next(memory, isWritable: false) else { break }
                try queues[1].finish(chain, written: 0, memory)
                peer.drop()
            }
            try queues[1].announce(true, hasEvents: hasEvents, memory)
            endSending(to: &peer)
            return try queues[1].waiting(memory) == 0 ? .idle : .more
        }
        let start = queues[1].taken, left = port.left
        let chains = left > 0 ? min(Int(left), VirtioQueue.chainsAtOnce) : VirtioQueue.chainsAtOnce
        let progress = try queues[1].send(to: &peer, limit: limit, chains: chains, hasEvents: hasEvents, memory)
        if left > 0 {
            port.left = left - min(left, queues[1].taken &- start)
            if port.left == 0 {
                endSending(to: &peer, wasSending: true)
                return .more
            }
        }
        // Who waits for room notifies in vain.
        if peer.isFull { try queues[1].announce(false, hasEvents: hasEvents, memory) }
        return progress
    }

    /// Nothing is left of a program that has closed its end; there may be another one since.
    private mutating func endSending(to peer: inout some VirtioPeer, wasSending: Bool = false) {
        guard wasSending || port.left > 0 else { return }
        port.left = 0
        peer.update(isOpen: false)
        peer.update(isOpen: port.isOpen)
    }

    private mutating func receiveBytes(
        from peer: inout some VirtioPeer, limit: Int, _ memory: borrowing GuestMemory
    ) throws(VirtioError) -> VirtioProgress {
        guard port.receives else {
            // Else who waits here for room, and there for what is left, waits for ever.
            if !port.isOpen || port.left > 0 { peer.discard() }
            try queues[0].announce(false, hasEvents: hasEvents, memory)
            return .idle
        }
        port.buffers = max(port.buffers, try queues[0].waiting(memory))
        // Who reads on offers at least half of them anew.
        let progress = try queues[0].receive(
            from: &peer, limit: limit, batch: port.buffers / 2, hasEvents: hasEvents, memory)
        var isThrough = false
        if case .more = progress { isThrough = true }
        guard isThrough || peer.isSpent, peer.rest() else { return progress }
        try queues[0].announce(true, hasEvents: hasEvents, memory)
        // The other end tells of more: this one does not go on for it at once, or it would for as long as that one likes.
        return .idle
    }
}
