import Platform

/// What the loader alone knows of where it is.
extension LoaderMemory {
    /// Bytes of text and data.
    static let programLimit: UInt64 = 0x30000
    /// The loader's page tables, nine of them; its stack grows down to them from `end`.
    static let tables: UInt64 = 0xD0000
    /// Bytes of the window that the loader maps, from its start on.
    public static let windowLimit: UInt64 = 3 << 30
    /// Where the loader maps the window, in its own address space, and all memory from address 0 on.
    public static let windowAddress: UInt64 = 4 << 30
    public static let memoryAddress: UInt64 = 512 << 30
}
