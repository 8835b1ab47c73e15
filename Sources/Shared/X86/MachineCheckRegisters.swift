/// The registers by which machine checks are switched on (SDM volume 3B, sections 16.3.1 and 16.5; AMD64 APM volume 2, section
/// 9.3).
public enum MachineCheckRegisters {
    public static let capability: UInt32 = 0x179
    public static let status: UInt32 = 0x17A
    private static let control: UInt32 = 0x17B
    private static let extendedControl: UInt32 = 0x4D0
    /// Of IA32_FEATURE_CONTROL: LMCE_ON, which firmware decides unless it has left the register open.
    public static let localInFeatureControl: UInt64 = 1 << 20
    private static let locked: UInt64 = 1

    /// A bank's first register, MCi_CTL; status, address and what else is known follow.
    public static func bank(_ index: UInt32) -> UInt32 { 0x400 + index * 4 }
    /// How many banks there are; the architecture has numbers for 32.
    public static func bankCount(_ capability: UInt64) -> UInt32 { UInt32(min(capability & 0xFF, 32)) }
    /// Whether a machine check can be kept from the cores that it does not concern (MCG_LMCE_P).
    public static func hasLocal(_ capability: UInt64) -> Bool { capability >> 27 & 1 != 0 }

    /// Makes every bank report, and an error that one core has met come to that core alone, where this is to be had. What a bank holds since before
    /// the boot, by a warm reset or by chance, is nobody's (section 16.3.2.2): it is cleared.
    public static func enable(read: (UInt32) -> UInt64, write: (UInt32, UInt64) -> Void) {
        let capability = read(capability)
        if capability >> 8 & 1 != 0 { write(control, .max) }
        for index in 0..<bankCount(capability) {
            write(bank(index), .max)
            write(bank(index) + 1, 0)
        }
        let needed = localInFeatureControl | locked
        guard hasLocal(capability), read(MSR.featureControl) & needed == needed else { return }
        write(extendedControl, 1)
    }
}
