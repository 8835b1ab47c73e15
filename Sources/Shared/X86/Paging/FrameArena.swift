/// A run of 4 KiB frames, handed out once each, zeroed. Noncopyable: a frame has one owner.
public struct FrameArena: ~Copyable {
    public static let frameSize: UInt64 = 4096
    public let base: UInt64
    public let end: UInt64
    private var next: UInt64

    /// `base` and `size` are bytes, multiples of 4 KiB; the memory is mapped one-to-one and the arena's alone.
    @unsafe public init(base: UInt64, size: UInt64) {
        self.base = base
        self.end = base &+ size
        next = base
    }

    /// How many frames a value takes.
    public static func count<T: ~Copyable>(_: T.Type) -> Int { (MemoryLayout<T>.size + 4095) / 4096 }

    /// Bytes handed out so far.
    public var used: UInt64 { next - base }

    /// The next `count` frames, contiguous and zeroed; nil when fewer are left.
    public mutating func take(_ count: Int = 1) -> UInt64? {
        let size = UInt64(count) * Self.frameSize
        guard end - next >= size else { return nil }
        let frames = next
        next += size
        // The range is this arena's own by the contract of `init`.
        unsafe UnsafeMutableRawPointer(bitPattern: UInt(frames))?
            .initializeMemory(as: UInt64.self, repeating: 0, count: Int(size / 8))
        return frames
    }
}
