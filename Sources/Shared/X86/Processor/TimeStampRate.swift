/// The rate of the time-stamp counter as the processor itself tells it (SDM volume 2A, CPUID leaves 15h and 16h; AMD's
/// processors have neither).
public enum TimeStampRate {
    /// Ticks a millisecond; nil where the processor does not say.
    public static func kHz(_ native: (UInt32, UInt32) -> CPUIDRegisters) -> UInt64? {
        let highest = native(0, 0).eax
        guard highest >= 0x15 else { return nil }
        let ratio = native(0x15, 0)
        if ratio.eax != 0, ratio.ebx != 0, ratio.ecx != 0 {
            return UInt64(ratio.ecx) * UInt64(ratio.ebx) / UInt64(ratio.eax) / 1000
        }
        // Where the crystal's rate is not told, the base frequency, MHz, is the counter's.
        guard highest >= 0x16, native(0x16, 0).eax & 0xFFFF != 0 else { return nil }
        return UInt64(native(0x16, 0).eax & 0xFFFF) * 1000
    }
}
