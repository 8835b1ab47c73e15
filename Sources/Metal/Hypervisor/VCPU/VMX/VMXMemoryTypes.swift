import Silicon
import X86

extension VMX {
    /// As the MTRRs have it: with EPT the hypervisor says the memory type, and the registers have no part in it (section
    /// 28.2.7.2).
    static func memoryRun(from address: UInt64, limit: UInt64) -> (type: MemoryType, end: UInt64) {
        let run = rangeRegisters().uniform(from: address, limit: limit)
        return (run.type, run.end)
    }

    /// Reads the memory type range registers (section 11.11.2).
    private static func rangeRegisters() -> MTRRMap {
        // Without them all memory is write-back.
        let exist = cpu_cpuid(1, 0).edx & 1 << 12 != 0
        let capability = exist ? cpu_rdmsr(MSR.mtrrCapability) : 0
        let type = exist ? cpu_rdmsr(MSR.mtrrDefaultType) : 1 << 11 | UInt64(MemoryType.writeBack.rawValue)
        var fixed: [11 of UInt64] = .init(repeating: 0)
        if capability & 1 << 8 != 0 {
            fixed[0] = cpu_rdmsr(0x250)
            fixed[1] = cpu_rdmsr(0x258)
            fixed[2] = cpu_rdmsr(0x259)
            for i in 0..<8 { fixed[3 + i] = cpu_rdmsr(0x268 + UInt32(i)) }
        }
        var variable: [16 of MTRRPair] = .init(repeating: (0, 0))
        let count = min(Int(capability & 0xFF), MTRRMap.variableLimit)
        for i in 0..<count {
            variable[i] = (cpu_rdmsr(0x200 + UInt32(i) * 2), cpu_rdmsr(0x201 + UInt32(i) * 2))
        }
        let bits = cpu_cpuid(0x8000_0000, 0).eax >= 0x8000_0008 ? UInt64(cpu_cpuid(0x8000_0008, 0).eax & 0xFF) : 36
        return MTRRMap(
            capability: capability, defaultType: type, fixed: fixed, variable: variable, count: count,
            addressBits: Int(bits))
    }
}
