import Synchronization

/// Bytes from one core to another with one writer and one reader at a time. Positions count up for ever; the capacity is a
/// power of two.
struct ByteRing: ~Copyable {
    private let base: UInt64
    private let capacity: UInt64
    private let head = Atomic<UInt64>(0)
    private let tail = Atomic<UInt64>(0)

    init(base: UInt64, capacity: UInt64) {
        self.base = base
        self.capacity = capacity
    }

    /// Appends a byte and never waits: the oldest byte gives way, and the reader learns how many it lost.
    func push(_ byte: UInt8) {
        let at = head.load(ordering: .relaxed)
        store(byte, base + at & (capacity - 1))
        head.store(at &+ 1, ordering: .releasing)
    }

    /// Appends a byte if there is room for it.
    func offer(_ byte: UInt8) -> Bool {
        let at = head.load(ordering: .relaxed)
        guard at &- tail.load(ordering: .acquiring) < capacity else { return false }
        store(byte, base + at & (capacity - 1))
        head.store(at &+ 1, ordering: .releasing)
        return true
    }

    /// The next byte, nil when there is none.
    func pop() -> UInt8? {
        let at = tail.load(ordering: .relaxed)
        guard head.load(ordering: .acquiring) != at else { return nil }
        let byte: UInt8 = load(base + at & (capacity - 1))
        tail.store(at &+ 1, ordering: .releasing)
        return byte
    }

    var isEmpty: Bool { head.load(ordering: .acquiring) == tail.load(ordering: .relaxed) }

    /// For the reader of a ring that is written with `push`: skips what was overwritten; gives how many bytes that were.
    /// Half the ring is given up, so that the writer does not overtake the reader at once again.
    func skipOverwritten() -> UInt64 {
        let end = head.load(ordering: .acquiring)
        let at = tail.load(ordering: .relaxed)
        guard end &- at > capacity else { return 0 }
        let next = end &- capacity / 2
        tail.store(next, ordering: .releasing)
        return next &- at
    }
}
