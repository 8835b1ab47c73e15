import X86

/// Who shares a cache (Intel SDM volume 2, CPUID leaf 4; AMD64 APM volume 3, leaf 8000001Dh).
public enum CacheSharing {
    /// How many low bits of an APIC id tell apart the threads that share the cache of a level, or of the last level for 0; 32,
    /// all threads, where the processor does not say.
    public static func bits(level: UInt32, _ vendor: Vendor, native: (UInt32, UInt32) -> CPUIDRegisters) -> UInt32 {
        let leaf: UInt32 = vendor == .amd ? 0x8000_001D : 4
        guard native(leaf & 0x8000_0000, 0).eax >= leaf else { return 32 }
        var bits: UInt32 = 0, found: UInt32 = 0
        for index: UInt32 in 0..<8 {
            let said = native(leaf, index).eax, its = said >> 5 & 7
            if said & 0x1F == 0 { break }
            // Of instructions alone: not what is divided.
            guard said & 0x1F != 2, level == 0 ? its >= found : its == level else { continue }
            found = its
            bits = UInt32(32 - (said >> 14 & 0xFFF).leadingZeroBitCount)
        }
        return found == 0 ? 32 : bits
    }
}
