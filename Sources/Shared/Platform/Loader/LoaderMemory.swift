/// Where a partition's loader is, guest-physical: in memory below 1 MiB that no memory map offers and no image may use. It
/// is clear again before the image's first instruction. Sources/Metal/Loader/Entry/layout.h has the same numbers.
public enum LoaderMemory {
    /// One page of `LoaderFacts`.
    public static let facts = LowMemory.usableEnd
    /// The program's text and data; its first byte is the entry.
    public static let program: UInt64 = 0xA0000
    public static let programLimit: UInt64 = 0x30000
    /// The loader's own page tables, then its stack.
    public static let tables: UInt64 = 0xD0000
    public static let end = LowMemory.acpi

    /// Where the images' window may begin, in bytes: behind all memory, so that an image of 2 MiB pages fits.
    /// - Parameter memorySize: bytes of the partition's RAM.
    public static func window(memorySize: UInt64) -> UInt64 {
        let high = memorySize > GuestMemory.lowLimit ? memorySize - GuestMemory.lowLimit : 0
        return aligned(GuestMemory.highBase + high)
    }

    /// The next multiple of the window's pages, 2 MiB. The initrd begins there behind the kernel.
    public static func aligned(_ bytes: UInt64) -> UInt64 { (bytes + 0x1F_FFFF) & ~0x1F_FFFF }
    /// Bytes of the window that the loader maps, from its start on.
    public static let windowLimit: UInt64 = 3 << 30
    /// Where the loader maps the window, in its own address space, and all memory from address 0 on.
    public static let windowAddress: UInt64 = 4 << 30
    public static let memoryAddress: UInt64 = 512 << 30
}
