/// A function's MSI capability (PCI Local Bus 3.0, section 6.8.1).
public enum MSI {
    /// Makes a function send one message.
    /// - Parameters:
    ///   - offset: of the capability.
    ///   - isWide: whether its address has 64 bits.
    public static func enable(
        _ function: UInt16, at offset: Int, isWide: Bool, address: UInt64, data: UInt32,
        on space: borrowing some ConfigurationSpace
    ) {
        space.write(function, offset + 4, size: 4, UInt32(truncatingIfNeeded: address))
        if isWide { space.write(function, offset + 8, size: 4, UInt32(truncatingIfNeeded: address >> 32)) }
        space.write(function, offset + (isWide ? 12 : 8), size: 2, data & 0xFFFF)
        space.write(function, offset + 2, size: 2, 1)
    }
}
