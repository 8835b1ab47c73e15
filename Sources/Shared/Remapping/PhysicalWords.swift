import Synchronization

/// Eight-byte words of a structure in memory that is mapped one-to-one and that a device reads.
@safe
struct PhysicalWords {
    private let base: UInt64

    /// `base` is a multiple of 8, taken from an arena, and the structure this caller's alone.
    init(at base: UInt64) { self.base = base }

    subscript(index: Int) -> UInt64 {
        get { unsafe pointer[index] }
        nonmutating set { unsafe pointer[index] = newValue }
    }

    /// A word that the device may write at any moment.
    func loadShared() -> UInt64 {
        unsafe UnsafeMutablePointer<Atomic<UInt64>>(bitPattern: UInt(base)).unsafelyUnwrapped.pointee
            .load(ordering: .acquiring)
    }

    private var pointer: UnsafeMutablePointer<UInt64> {
        unsafe UnsafeMutablePointer<UInt64>(bitPattern: UInt(base)).unsafelyUnwrapped
    }
}
