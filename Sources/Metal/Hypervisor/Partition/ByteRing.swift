import Control
import Synchronization
import Text

/// Bytes from one writer to one reader, in different cores. Positions count up for ever; the capacity is a power of two.
struct ByteRing: ~Copyable {
    private let base: UInt64
    private let capacity: UInt64
    private let head = Atomic<UInt64>(0)
    private let tail = Atomic<UInt64>(0)

    init(base: UInt64, capacity: UInt64) {
        self.base = base
        self.capacity = capacity
    }

    /// Appends a byte and never waits: the oldest gives way.
    @inline(__always)
    func push(_ byte: UInt8) {
        let at = head.load(ordering: .relaxed)
        store(byte, base &+ at & (capacity &- 1))
        head.store(at &+ 1, ordering: .releasing)
    }

    /// Appends a line and its end at once, so that a reader finds all of it or nothing.
    func push(_ line: borrowing LogLine) {
        let at = head.load(ordering: .relaxed), count = UInt64(line.text.count)
        for i in 0..<count { store(line.text.bytes[Int(i)], base &+ (at &+ i) & (capacity &- 1)) }
        store(0x0A as UInt8, base &+ (at &+ count) & (capacity &- 1))
        head.store(at &+ count &+ 1, ordering: .releasing)
    }

    /// Appends a byte unless as many bytes as fit are still unread.
    func offer(_ byte: UInt8) -> Bool {
        guard head.load(ordering: .relaxed) &- tail.load(ordering: .acquiring) < capacity else { return false }
        push(byte)
        return true
    }

    /// The next byte for a reader that takes each once, nil when there is none. What `push` has overwritten is skipped.
    @inline(__always)
    func peek() -> UInt8? {
        let end = head.load(ordering: .acquiring)
        let at = max(tail.load(ordering: .relaxed), end < capacity ? 0 : end &- capacity)
        tail.store(at, ordering: .relaxed)
        guard end != at else { return nil }
        return load(base + at & (capacity - 1))
    }

    /// Takes the byte that `peek` showed. Where bytes are offered, none stays behind: no writer comes to this place before
    /// the position moves on.
    func removeFirst() {
        let at = tail.load(ordering: .relaxed)
        store(0 as UInt8, base + at & (capacity - 1))
        tail.store(at &+ 1, ordering: .releasing)
    }

    /// For readers of a ring that is written with `push` alone: copies from `position`, or from the oldest byte that the
    /// writer cannot be overwriting just now. Gives what was copied.
    func copy(from position: UInt64, into buffer: inout MutableSpan<UInt8>) -> ConsoleRange {
        let end = head.load(ordering: .acquiring)
        let oldest = end > capacity ? end - capacity + Self.margin : 0
        let start = min(max(position, oldest), end)
        let count = min(Int(end - start), buffer.count)
        for i in 0..<count { buffer[i] = load(base + (start + UInt64(i)) & (capacity - 1)) }
        return ConsoleRange(position: start, count: count, end: end)
    }

    /// What the writer may write while a reader copies.
    private static let margin: UInt64 = 2048
}
