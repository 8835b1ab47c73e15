/// One direction of a wire: memory that the cores of one end write and those of the other only read. A page of numbers, each of
/// which counts up for ever, then places for frames. What is read here is taken for a number, and bounded by whoever reads it.
public struct WireHalf: Sendable {
    public static let slots: UInt32 = 128
    public static let slotSize: UInt64 = 2048
    public static let firstSlot: UInt64 = 4096
    public static let size = firstSlot + memorySize
    /// Bytes of the places for frames, which are what guests see where the channel is shared memory.
    public static let memorySize = UInt64(slots) * slotSize

    /// Where it lies.
    public let base: UInt64

    /// - Precondition: `size` bytes are mapped there, one-to-one; zeroes at first.
    @unsafe public init(at base: UInt64) { self.base = base }

    /// Where the places for frames begin.
    public var memory: UInt64 { base + Self.firstSlot }

    /// Clears what is beside the four numbers of the first page, where a device model may have written, and has the next driver be one
    /// that the other end has not seen: the first number is even while there is none, and grows.
    public func renew() {
        let life = unsafe UnsafeMutablePointer<UInt32>(bitPattern: UInt(base)).unsafelyUnwrapped
        unsafe life.pointee = (life.pointee | 1) &+ 3
        let gaps: [3 of (UInt64, UInt64)] = [(4, 64), (68, 128), (136, Self.firstSlot)]
        for i in 0..<3 {
            let start = unsafe UnsafeMutableRawPointer(bitPattern: UInt(base + gaps[i].0)).unsafelyUnwrapped
            unsafe start.initializeMemory(as: UInt8.self, repeating: 0, count: Int(gaps[i].1 - gaps[i].0))
        }
    }

    /// Clears a quarter of the frames, 0 to 3: 64 KiB.
    public func clear(quarter: UInt32) {
        let size = Self.memorySize / 4, start = UInt(memory + UInt64(quarter & 3) * size)
        unsafe UnsafeMutableRawPointer(bitPattern: start).unsafelyUnwrapped.initializeMemory(
            as: UInt8.self, repeating: 0, count: Int(size))
    }
}
