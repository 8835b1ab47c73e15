import Platform
import Silicon
import X86

extension ExitContext {
    /// XSETBV on a processor where it always exits: XCR0 is the guest's, within what CPUID shows it (SDM volume 1, section
    /// 13.3). Bochs has the exit come before the privilege is checked, silicon behind (volume 3, section 25.1.1).
    mutating func setExtendedControl() -> ExitOutcome {
        let value = cpu.rdx << 32 | cpu.rax & 0xFFFF_FFFF
        let supported = UInt64(cpu_cpuid(0xD, 0).eax & CPUIDPolicy.stateComponents)
        guard cpu.privilegeLevel == 0, UInt32(truncatingIfNeeded: cpu.rcx) == 0,
            XCR0.isValid(value, supported: supported)
        else { return refuse() }
        cpu_xsetbv(0, value)
        cpu.skip(3)
        return .resume
    }
}
