import X86

extension CPUIDPolicy {
    /// Bytes of XSAVEC's area for the components in `xcr0` (CPUID leaf 0Dh, subleaf 1, EBX), from what the processor says of
    /// each (Intel SDM vol. 1, section 13.4.3): one behind the other, some from a multiple of 64 on. Worked out here
    /// because guests hold the two against each other, and not every processor's own sum is right.
    /// - Parameter native: the silicon's answer to a subleaf of leaf 0Dh.
    public static func compactedSize(xcr0: UInt64, native: (UInt32) -> CPUIDRegisters) -> UInt32 {
        var size: UInt32 = 512 + 64  // the legacy region and the header
        for component in 2..<64 as Range<UInt32> where (xcr0 & UInt64(stateComponents)) >> UInt64(component) & 1 != 0 {
            let answer = native(component)
            if answer.ecx & 2 != 0 { size = (size &+ 63) & ~63 }
            size &+= answer.eax
        }
        return size
    }
}
