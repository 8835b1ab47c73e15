import Silicon
import X86

extension VMX {
    /// As the MTRRs have it: with EPT the hypervisor says the memory type, and the registers have no part in it (section
    /// 28.2.7.2).
    static func memoryRun(from address: UInt64, limit: UInt64) -> (type: MemoryType, end: UInt64) {
        // Without the registers all memory is write-back.
        guard cpu_cpuid(1, 0).edx & 1 << 12 != 0 else { return (.writeBack, limit) }
        return MTRRMap(native: nativeCPUID, read: cpu_rdmsr).uniform(from: address, limit: limit)
    }
}
