/// How many bits the physical addresses of this machine have.
public enum AddressWidth {
    /// The register in which firmware locks memory encryption (IA32_TME_ACTIVATE, Intel 336907, table 4-2).
    public static let activation: UInt32 = 0x982

    /// Without those that name a key of the memory controller's: CPUID goes on counting them, whether anybody uses a key or not, but
    /// there is no memory behind them, and masks of the range registers end below them (336907, section 4; edk2's MtrrLib does it so).
    /// - Parameters:
    ///   - native: the silicon's answer to a leaf and subleaf of CPUID.
    ///   - read: reads an MSR; that one alone, and only where CPUID says that it exists.
    public static func bits(native: (UInt32, UInt32) -> CPUIDRegisters, read: (UInt32) -> UInt64) -> UInt32 {
        let isThere = native(0, 0).eax >= 7 && native(7, 0).ecx & 1 << 13 != 0
        let active = isThere ? read(activation) : 0
        return native(0x8000_0008, 0).eax & 0xFF &- (active & 2 != 0 ? UInt32(active >> 32 & 0xF) : 0)
    }
}
