import Platform
import Synchronization

/// One end of a wire between two partitions, as the cores of one know it: they copy from their guest into memory of the wire's,
/// and from there into their guest. Nobody maps another's memory, and no lock has two owners.
///
/// A frame is for the one driver that was there when it was sent, and from the one that sent it: each has a number, and what
/// any other has left is dropped.
public struct Wire: Sendable {
    /// Of this end, which it writes, and of the other, which it reads.
    public let own: WireHalf
    public let peer: WireHalf
    public var counters = WireCounters()
    /// Whether this end's guest is told of what comes. One that is not (`kick: never`) would not hear of a link that comes up, without
    /// which its driver sends nothing: it is shown one that is up. And it has no exit for the buffers that it gives back, by which a
    /// stream of frames would go on having it take more: what has come waits until it sends.
    public var isTold = true
    /// Bytes of a frame, at most.
    let maxFrame: Int
    /// The other end's number, when it was looked at last.
    private(set) var peerLife: UInt32 = 0
    /// Bytes of the frame that is being made; nil where it is dropped.
    private var length: Int?
    /// What the other end wanted when it was told last.
    private var told: UInt32 = .max
    private var isChanged = false

    public init(own: WireHalf, peer: WireHalf, mtu: UInt16, counters: WireCounters = WireCounters()) {
        self.counters = counters
        (self.own, self.peer) = (own, peer)
        maxFrame = min(Int(mtu) + 18, WireHalf.maxFrame)
    }

    var isUp: Bool { unsafe own.life.pointee.load(ordering: .relaxed) & 1 != 0 }
    func load(_ word: UnsafePointer<Atomic<UInt32>>) -> UInt32 {
        unsafe word.pointee.load(ordering: .sequentiallyConsistent)
    }
    func store(_ value: UInt32, _ word: UnsafePointer<Atomic<UInt32>>) {
        unsafe word.pointee.store(value, ordering: .sequentiallyConsistent)
    }

    /// Says whether this end's driver is there, and looks for the other's.
    /// - Returns: whether that one is there.
    mutating func update(isUp: Bool) -> Bool {
        if isUp != self.isUp {
            // What was sent for whoever was here before is not for the one that comes.
            unsafe store(load(peer.sent), own.taken)
            unsafe store(load(own.life) &+ 1, own.life)
            isChanged = true
        }
        let life = unsafe load(peer.life)
        // What was sent to whoever was there before is not for the one that comes.
        if life != peerLife { for quarter in 0..<4 as Range<UInt32> { own.clear(quarter: quarter) } }
        peerLife = life
        counters.link = isUp ? UInt64(peerLife & 1) : 0
        return peerLife & 1 != 0
    }

    /// What a frame of `length` bytes says of itself.
    func tag(_ length: Int, from sender: UInt32, to receiver: UInt32) -> UInt64 {
        UInt64(length) | UInt64(sender & 0xFF_FFFF) << 16 | UInt64(receiver & 0xFF_FFFF) << 40
    }

    /// Begins a frame, in the next place if there is one.
    mutating func begin() {
        let waiting = unsafe load(own.sent) &- load(peer.taken)
        length = peerLife & 1 != 0 && waiting < WireHalf.slots ? 0 : nil
    }

    /// Appends to it; one that becomes too long is dropped.
    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard let length, bytes.count > 0 else { return }
        guard bytes.count <= maxFrame - length else { return self.length = nil }
        let place = unsafe own.slot(load(own.sent)) + 8 + length
        unsafe place.copyMemory(from: bytes.baseAddress.unsafelyUnwrapped, byteCount: bytes.count)
        self.length = length + bytes.count
    }

    /// Ends it. An Ethernet header has 14 bytes.
    /// - Parameter mayPass: whether so many bytes are within what this end may send.
    mutating func end(_ mayPass: (Int) -> Bool) {
        guard let length, length >= 14, mayPass(length) else { return counters.dropped &+= 1 }
        let number = unsafe load(own.sent)
        let tag = unsafe tag(length, from: load(own.life), to: peerLife)
        unsafe own.slot(number).storeBytes(of: tag, as: UInt64.self)
        unsafe store(number &+ 1, own.sent)
        counters.frames &+= 1
        counters.bytes &+= UInt64(length)
    }

    /// Whether this end's driver has come or gone since this was asked last, and the other end is to hear of it. One that was
    /// never there need not: it looks when it comes.
    public mutating func takeChange() -> Bool {
        guard peerLife != 0 else { return false }
        defer { isChanged = false }
        return isChanged
    }

    /// Whether the other end wants to be told of what has been sent.
    public func mustTell() -> Bool {
        let wanted = unsafe load(peer.wanted), ahead = unsafe load(own.sent) &- wanted
        return peerLife != 0 && wanted != told && Int32(bitPattern: ahead) > 0
    }

    /// Notes that it is told now.
    public mutating func tell() {
        told = unsafe load(peer.wanted)
        counters.kicks &+= 1
    }

    /// Has the other end tell of the next frame that it sends.
    func announce() { unsafe store(load(peer.sent), own.wanted) }

    /// The next frame for this end, in memory that the other one may be writing; nil when there is none, and then the other end tells
    /// of the next.
    func next() -> UnsafeRawBufferPointer? {
        // Once more behind the announcement, before which something may have come.
        for _ in 0...WireHalf.slots + 1 {
            let number = unsafe load(own.taken), waiting = unsafe load(peer.sent) &- number
            if waiting == 0 {
                guard unsafe load(own.wanted) != number else { return nil }
                unsafe store(number, own.wanted)
                continue
            }
            let slot = unsafe peer.slot(number)
            let word = unsafe slot.assumingMemoryBound(to: Atomic<UInt64>.self)
            let found = unsafe word.pointee.load(ordering: .relaxed), length = Int(found & 0xFFFF)
            if waiting <= WireHalf.slots, isFor(found, length) {
                return unsafe UnsafeRawBufferPointer(start: slot + 8, count: length)
            }
            // Not for this end, or no number that an honest instance writes.
            unsafe store(waiting > WireHalf.slots ? load(peer.sent) : number &+ 1, own.taken)
        }
        return nil
    }

    private func isFor(_ found: UInt64, _ length: Int) -> Bool {
        unsafe length <= WireHalf.maxFrame && found == tag(length, from: peerLife, to: load(own.life))
    }

    /// Takes the frame that `next` gave.
    /// - Returns: whether it was one while it was copied: its sender may be gone.
    func removeFirst() -> Bool {
        unsafe store(load(own.taken) &+ 1, own.taken)
        return unsafe load(peer.life) == peerLife
    }
}

extension WireHalf {
    /// Bytes of the largest frame: with an MTU of 1,500, a VLAN tag.
    static let maxFrame = 1518

    /// Odd while this end's driver is there; each one that comes has a number of its own.
    var life: UnsafePointer<Atomic<UInt32>> { unsafe word(0) }
    /// Frames that this end has sent.
    var sent: UnsafePointer<Atomic<UInt32>> { unsafe word(64) }
    /// Frames of the other end's that this one has taken.
    var taken: UnsafePointer<Atomic<UInt32>> { unsafe word(128) }
    /// The number of the other end's frame of which this one wants to be told.
    var wanted: UnsafePointer<Atomic<UInt32>> { unsafe word(132) }

    func word(_ offset: UInt64) -> UnsafePointer<Atomic<UInt32>> {
        unsafe UnsafePointer(bitPattern: UInt(base + offset)).unsafelyUnwrapped
    }

    /// The place of a frame by its number: eight bytes that say what it is, then the frame.
    func slot(_ number: UInt32) -> UnsafeMutableRawPointer {
        let offset = Self.firstSlot + UInt64(number & (Self.slots - 1)) * Self.slotSize
        return unsafe UnsafeMutableRawPointer(bitPattern: UInt(base + offset)).unsafelyUnwrapped
    }
}
