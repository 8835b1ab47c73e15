/// The machine's PCI configuration space, segment 0. What is absent reads as ones and ignores writes.
public protocol ConfigurationSpace {
    /// - Parameters:
    ///   - function: bus, device and function as a requester id has them.
    ///   - offset: 0 to 4095, a multiple of `size`.
    ///   - size: bytes: 1, 2 or 4.
    func read(_ function: UInt16, _ offset: Int, size: Int) -> UInt32
    func write(_ function: UInt16, _ offset: Int, size: Int, _ value: UInt32)
}

/// Functions' registers in memory, by physical addresses that are multiples of `size`.
public protocol RegisterAccess {
    /// - Parameter size: bytes: 1, 2, 4 or 8.
    func readRegister(_ address: UInt64, size: Int) -> UInt64
    func writeRegister(_ address: UInt64, size: Int, _ value: UInt64)
}
