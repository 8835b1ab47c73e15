import Platform
import Synchronization

/// One end of a port between two partitions: a stream of bytes each way, in the places of a wire's frames. Nothing is dropped while
/// both ends are open: who finds no room waits, and is told when half of it is free again.
///
/// Each piece is for who has the other end open, and from who has this one: each opener has a number. So nothing reaches the next.
public struct PortWire: VirtioPeer, Sendable {
    /// Its link is up while both ends are open.
    public var wire: Wire
    /// Whose bytes come.
    private var followed: UInt32 = 0
    /// Bytes of the next piece that are through already.
    private var offset = 0
    /// Behind which piece the other end changed hands.
    private var last: UInt32 = 0
    /// How many pieces this exit may still take.
    private var left = WireHalf.slots
    /// The room of which the other end was told last.
    private var toldRoom: UInt32 = 0
    public private(set) var isFull = false
    /// Bytes of a piece, at the most.
    static let pieceSize = Int(WireHalf.slotSize) - 8
    /// What one exit moves, each way: as much as there is room for.
    public static let limit = Int(WireHalf.slots) * pieceSize

    /// - Parameter mtu: of a wire.
    public init(own: WireHalf, peer: WireHalf, mtu: UInt16 = 0, counters: WireCounters) {
        wire = Wire(own: own, peer: peer, mtu: mtu, counters: counters)
    }

    public var opener: UInt32 { wire.peerLife }

    public mutating func update(isOpen: Bool) {
        if isOpen != wire.isUp { offset = 0 }
        let before = wire.peerLife
        _ = wire.update(isUp: isOpen)
        if wire.peerLife != before { last = unsafe wire.load(wire.peer.sent) }
        (left, isFull) = (WireHalf.slots, false)
    }

    public mutating func follow(_ opener: UInt32) { (followed, offset, left) = (opener, 0, WireHalf.slots) }

    public var isDrained: Bool {
        mutating get {
            let ahead = unsafe wire.load(wire.own.taken) &- last
            return Int32(bitPattern: ahead) >= 0 || left > 0 && !hasBytes
        }
    }

    public mutating func drop() { wire.counters.dropped &+= 1 }
    public mutating func discard() {
        wire.announce()
        unsafe wire.store(wire.load(wire.peer.sent), wire.own.taken)
        offset = 0
    }
    public var takesBacklog: Bool { true }

    public var isSpent: Bool { left == 0 }

    public mutating func rest() -> Bool {
        wire.announce()
        return true
    }

    public mutating func take(_ bytes: UnsafeRawBufferPointer) -> Int {
        var done = 0
        while done < bytes.count, hasRoom() {
            let number = unsafe wire.load(wire.own.sent), count = min(bytes.count - done, Self.pieceSize)
            let place = unsafe wire.own.slot(number)
            unsafe (place + 8).copyMemory(
                from: bytes.baseAddress.unsafelyUnwrapped + done, byteCount: count)
            let tag = unsafe wire.tag(count, from: wire.load(wire.own.life), to: wire.peerLife)
            unsafe place.storeBytes(of: tag, as: UInt64.self)
            unsafe wire.store(number &+ 1, wire.own.sent)
            wire.counters.frames &+= 1
            wire.counters.bytes &+= UInt64(count)
            done += count
        }
        isFull = done < bytes.count
        return done
    }

    /// Whether there is a place for a piece; else the other end is asked to tell when half of them are free.
    private func hasRoom() -> Bool {
        let sent = unsafe wire.load(wire.own.sent)
        if unsafe sent &- wire.load(wire.peer.taken) < WireHalf.slots { return true }
        unsafe wire.store(sent &- WireHalf.slots / 2, wire.own.awaited)
        // Who has taken before that does not tell.
        return unsafe sent &- wire.load(wire.peer.taken) < WireHalf.slots
    }

    public mutating func give(_ bytes: UnsafeMutableRawBufferPointer) -> Int {
        var done = 0
        while done < bytes.count, let (place, tag) = unsafe next() {
            let count = min(Int(tag & 0xFFFF) - offset, bytes.count - done)
            unsafe (bytes.baseAddress.unsafelyUnwrapped + done).copyMemory(
                from: place + 8 + offset, byteCount: count)
            // Its sender may be gone meanwhile, and what is there cleared. One that writes there without end ends this exit, not the guest's time.
            guard unsafe Self.tag(place) == tag else {
                left -= 1
                continue
            }
            done += count
            offset += count
            if offset == Int(tag & 0xFFFF) { removeFirst() }
        }
        return done
    }

    public var hasBytes: Bool { mutating get { unsafe next() != nil } }

    /// The place of the next piece for this end, which the other end may be writing, and what it says of itself; nil when there is none, and
    /// then the other end tells of the next.
    private mutating func next() -> (UnsafeMutableRawPointer, UInt64)? {
        // Once more behind the announcement, before which something may have come.
        for _ in 0...WireHalf.slots + 1 where left > 0 {
            let number = unsafe wire.load(wire.own.taken), waiting = unsafe wire.load(wire.peer.sent) &- number
            if waiting == 0 {
                guard unsafe wire.load(wire.own.wanted) != number else { return nil }
                unsafe wire.store(number, wire.own.wanted)
                continue
            }
            guard waiting <= WireHalf.slots else {
                // No number that an honest instance writes.
                unsafe wire.store(wire.load(wire.peer.sent), wire.own.taken)
                offset = 0
                continue
            }
            let place = unsafe wire.peer.slot(number), tag = unsafe Self.tag(place), length = Int(tag & 0xFFFF)
            if length > offset, length <= Self.pieceSize {
                let life = unsafe wire.load(wire.own.life)
                if tag == wire.tag(length, from: followed, to: life) { return unsafe (place, tag) }
                // Of the next one, of whom the driver does not know yet, or who has come since this exit began.
                if tag == wire.tag(length, from: wire.peerLife, to: life) { return nil }
                if unsafe tag == wire.tag(length, from: wire.load(wire.peer.life), to: life) { return nil }
            }
            removeFirst()
        }
        return nil
    }

    private mutating func removeFirst() {
        unsafe wire.store(wire.load(wire.own.taken) &+ 1, wire.own.taken)
        offset = 0
        left -= 1
    }

    private static func tag(_ place: UnsafeMutableRawPointer) -> UInt64 {
        unsafe place.assumingMemoryBound(to: Atomic<UInt64>.self).pointee.load(ordering: .sequentiallyConsistent)
    }

    /// Whether this end has been opened or closed since this was asked last: see `Wire`.
    public mutating func takeChange() -> Bool { wire.takeChange() }

    /// Whether the other end wants to be told: of what has been sent, or of room.
    public func mustTell() -> Bool { hasRoomToTell || wire.mustTell() }

    private var hasRoomToTell: Bool {
        let awaited = unsafe wire.load(wire.peer.awaited), taken = unsafe wire.load(wire.own.taken)
        return wire.peerLife & 1 != 0 && awaited != toldRoom && Int32(bitPattern: taken &- awaited) >= 0
    }

    /// Notes that it is told now of what is due, and of nothing else: the other may become due.
    public mutating func tell() {
        let isSent = wire.mustTell()
        if hasRoomToTell { toldRoom = unsafe wire.load(wire.peer.awaited) }
        if isSent { wire.tell() } else { wire.counters.kicks &+= 1 }
    }
}

extension WireHalf {
    /// Of a port: the number of this end's piece which, when it is taken, the other end tells of.
    var awaited: UnsafePointer<Atomic<UInt32>> { unsafe word(136) }
}
