/// The extended control register that says which state components XSAVE manages (Intel SDM volume 1, section 13.3).
public enum XCR0 {
    public static let x87: UInt64 = 1 << 0
    public static let sse: UInt64 = 1 << 1
    public static let avx: UInt64 = 1 << 2
    /// Bound registers and their configuration.
    public static let mpx: UInt64 = 3 << 3
    /// Opmask, upper halves of ZMM0 to 15, ZMM16 to 31.
    public static let avx512: UInt64 = 7 << 5
    /// Tile configuration and data.
    public static let amx: UInt64 = 3 << 17

    /// Whether XSETBV takes `value`, or faults (#GP).
    /// - Parameter supported: the components that there are.
    public static func isValid(_ value: UInt64, supported: UInt64) -> Bool {
        guard value & x87 != 0, value & ~supported == 0 else { return false }
        if value & avx != 0 && value & sse == 0 { return false }
        if value & mpx != 0 && value & mpx != mpx { return false }
        if value & amx != 0 && value & amx != amx { return false }
        return value & avx512 == 0 || value & (avx512 | avx) == avx512 | avx
    }
}
