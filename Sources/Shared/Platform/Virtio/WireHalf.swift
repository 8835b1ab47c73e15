import Synchronization

/// One direction of a wire: memory that the cores of one end write and those of the other only read. A page of numbers, each of
/// which counts up for ever, then places for frames. What is read here is taken for a number, and bounded by whoever reads it.
public struct WireHalf: Sendable {
    public static let slots: UInt32 = 128
    static let slotSize: UInt64 = 2048
    private static let firstSlot: UInt64 = 4096
    public static let size = firstSlot + memorySize
    /// Bytes of the places for frames, which are what guests see where the channel is shared memory.
    public static let memorySize = UInt64(slots) * slotSize
    /// Bytes of the largest frame: with an MTU of 1,500, a VLAN tag.
    static let maxFrame = 1518

    /// Where it lies.
    public let base: UInt64

    /// - Precondition: `size` bytes are mapped there, one-to-one; zeroes at first.
    @unsafe public init(at base: UInt64) { self.base = base }

    /// Odd while this end's driver is there; each one that comes has a number of its own.
    var life: UnsafePointer<Atomic<UInt32>> { unsafe word(0) }
    /// Frames that this end has sent.
    var sent: UnsafePointer<Atomic<UInt32>> { unsafe word(64) }
    /// Frames of the other end's that this one has taken.
    var taken: UnsafePointer<Atomic<UInt32>> { unsafe word(128) }
    /// The number of the other end's frame of which this one wants to be told.
    var wanted: UnsafePointer<Atomic<UInt32>> { unsafe word(132) }

    private func word(_ offset: UInt64) -> UnsafePointer<Atomic<UInt32>> {
        unsafe UnsafePointer(bitPattern: UInt(base + offset)).unsafelyUnwrapped
    }

    /// Where the places for frames begin.
    public var memory: UInt64 { base + Self.firstSlot }

    /// Clears a quarter of the frames, 0 to 3: 64 KiB.
    public func clear(quarter: UInt32) {
        let count = Int(Self.slotSize) * Int(Self.slots / 4)
        unsafe slot(quarter * Self.slots / 4).initializeMemory(as: UInt8.self, repeating: 0, count: count)
    }

    /// The place of a frame by its number: eight bytes that say what it is, then the frame.
    func slot(_ number: UInt32) -> UnsafeMutableRawPointer {
        let offset = Self.firstSlot + UInt64(number & (Self.slots - 1)) * Self.slotSize
        return unsafe UnsafeMutableRawPointer(bitPattern: UInt(base + offset)).unsafelyUnwrapped
    }
}
