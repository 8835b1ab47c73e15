import Synchronization

/// Bytes from one writer to one reader, in different cores. What they share is two positions, which count up for ever, and
/// the bytes behind them; where these lie and how many there are, each side knows by itself. So neither leaves the ring,
/// whatever the other has written there.
public struct ByteRing {
    private let base: UInt64
    package let capacity: UInt64
    /// Bytes in front of a ring's own: its positions.
    public static let headSize: UInt64 = 16

    /// - Parameters:
    ///   - base: where `headSize` + `capacity` bytes are mapped one-to-one, a multiple of 8; an empty ring is zeroes.
    ///   - capacity: a power of two.
    @inline(__always)
    @unsafe public init(at base: UInt64, capacity: UInt64) {
        self.base = base
        self.capacity = capacity
    }

    package var head: UnsafePointer<Atomic<UInt64>> { unsafe UnsafePointer(bitPattern: UInt(base)).unsafelyUnwrapped }
    package var tail: UnsafePointer<Atomic<UInt64>> { unsafe head + 1 }
    /// The byte at a position, which is within the ring by its mask.
    private func byte(_ position: UInt64) -> UnsafeMutablePointer<UInt8> {
        unsafe UnsafeMutablePointer(bitPattern: UInt(base &+ Self.headSize &+ position & (capacity &- 1)))
            .unsafelyUnwrapped
    }

    /// Writes the byte that comes `ahead` bytes after the next one, which no reader sees before `advance`.
    @inline(__always)
    public func put(_ byte: UInt8, ahead: UInt64 = 0) {
        unsafe self.byte(head.pointee.load(ordering: .relaxed) &+ ahead).pointee = byte
    }

    /// Lets the reader see the bytes that were put, all at once.
    @inline(__always)
    public func advance(by count: UInt64 = 1) {
        unsafe head.pointee.store(head.pointee.load(ordering: .relaxed) &+ count, ordering: .releasing)
    }

    /// Appends a byte and never waits: the oldest gives way.
    @inline(__always)
    public func push(_ byte: UInt8) {
        put(byte)
        advance()
    }

    /// Appends a byte unless as many bytes as fit are still unread.
    public func offer(_ byte: UInt8) -> Bool {
        guard room > 0 else { return false }
        push(byte)
        return true
    }

    /// How many bytes fit before those that are still unread.
    public var room: Int {
        let unread = unsafe head.pointee.load(ordering: .relaxed) &- tail.pointee.load(ordering: .acquiring)
        return Int(capacity &- min(unread, capacity))
    }

    /// The next byte for a reader that takes each once, nil when there is none. What `push` has overwritten is skipped, so
    /// that there are at most as many as fit.
    @inline(__always)
    public func peek() -> UInt8? {
        let end = unsafe head.pointee.load(ordering: .acquiring)
        var at = unsafe tail.pointee.load(ordering: .relaxed)
        guard end != at else { return nil }
        if end &- at > capacity {
            at = end &- capacity
            unsafe tail.pointee.store(at, ordering: .relaxed)
        }
        return unsafe byte(at).pointee
    }

    /// Takes the byte that `peek` showed. Where bytes are offered, none stays behind: no writer comes to this place before
    /// the position moves on.
    public func removeFirst() {
        let at = unsafe tail.pointee.load(ordering: .relaxed)
        unsafe byte(at).pointee = 0
        unsafe tail.pointee.store(at &+ 1, ordering: .releasing)
    }

    /// Takes all bytes, but no more than fit: a writer that goes on is not waited for.
    public func removeAll() {
        for _ in 0..<capacity {
            guard peek() != nil else { return }
            removeFirst()
        }
    }

    /// The same, and of bytes that were taken by somebody who does not clear them nothing stays either.
    public func clear() {
        // In this order: what comes meanwhile is taken with the rest.
        for i in 0..<capacity { unsafe byte(i).pointee = 0 }
        removeAll()
    }

    /// Appends all of `bytes`, no more than fit, and never waits: the oldest give way.
    public func push(_ bytes: UnsafeRawBufferPointer) {
        let at = unsafe head.pointee.load(ordering: .relaxed)
        unsafe forEachPart(at, bytes.count) { part, start, count in
            unsafe part.copyMemory(from: bytes.baseAddress.unsafelyUnwrapped + start, byteCount: count)
        }
        advance(by: UInt64(bytes.count))
    }

    /// The one or two pieces that `count` bytes from a position are in; nothing for none.
    package func forEachPart(_ position: UInt64, _ count: Int, _ body: (UnsafeMutableRawPointer, Int, Int) -> Void) {
        var done = 0
        while done < count {
            let at = position &+ UInt64(done)
            let size = min(count - done, Int(capacity - at & (capacity &- 1)))
            unsafe body(byte(at), done, size)
            done += size
        }
    }

    /// Notes, in a ring that is written with `push` alone, how far somebody has read. Who reads again what was read is not behind.
    public func note(read position: UInt64) { unsafe tail.pointee.store(max(noted, position), ordering: .releasing) }
    /// What `note` said last.
    public var noted: UInt64 { unsafe tail.pointee.load(ordering: .acquiring) }
    /// Whether `count` more bytes leave what was not read yet, as far as is noted, and what a reader may be copying.
    public func hasRoom(for count: UInt64) -> Bool {
        unsafe head.pointee.load(ordering: .relaxed) &- noted &+ count &+ Self.margin <= capacity
    }

    /// For readers of a ring that is written with `push` alone: copies from `position`, or from the oldest byte that the
    /// writer cannot be overwriting just now. Gives what was copied.
    public func copy(from position: UInt64, into buffer: inout MutableSpan<UInt8>) -> ConsoleRange {
        let end = unsafe head.pointee.load(ordering: .acquiring)
        let oldest = end > capacity ? end - capacity + min(Self.margin, capacity) : 0
        let start = min(max(position, oldest), end)
        let count = min(Int(end - start), buffer.count)
        for i in 0..<count { unsafe buffer[i] = byte(start + UInt64(i)).pointee }
        return (position: start, count: count, end: end)
    }

    /// What the writer may write while a reader copies: at most so much is pushed at once.
    private static let margin: UInt64 = 4096
}
