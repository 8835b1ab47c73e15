/// Where a partition's loader is, guest-physical: in memory below 1 MiB that no memory map offers and no image may use. It
/// is clear again before the image's first instruction. Sources/Metal/Loader/Entry/layout.h has the same numbers.
public enum LoaderMemory {
    /// One page of `LoaderFacts`.
    public static let facts: UInt64 = 0x9F000
    /// In its last bytes, the secret: as many as the facts say, at most 64.
    public static let secret: UInt64 = 0x9FFC0
    /// The program, whose first byte is the entry.
    public static let program: UInt64 = 0xA0000
    public static let end: UInt64 = 0xE0000

    /// Where the images' window may begin, in bytes: behind all memory, so that an image of 2 MiB pages fits.
    /// - Parameter memorySize: bytes of the partition's RAM.
    public static func window(memorySize: UInt64) -> UInt64 {
        let high = memorySize > GuestMemory.lowLimit ? memorySize - GuestMemory.lowLimit : 0
        return aligned(GuestMemory.highBase + high)
    }

    /// The next multiple of the window's pages, 2 MiB. The initrd begins there behind the kernel.
    public static func aligned(_ bytes: UInt64) -> UInt64 { (bytes + 0x1F_FFFF) & ~0x1F_FFFF }
}
