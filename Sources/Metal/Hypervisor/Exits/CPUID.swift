import Platform
import Silicon
import X86

extension ExitContext {
    @inline(__always)
    mutating func answerCPUID() -> ExitOutcome {
        let leaf = UInt32(truncatingIfNeeded: cpu.rax), subleaf = UInt32(truncatingIfNeeded: cpu.rcx)
        let answer =
            core.value.cpuidTable.answer(leaf: leaf, subleaf: subleaf, cr4: cpu.cr4) ?? makeCPUIDAnswer(leaf, subleaf)
        cpu.rax = UInt64(answer.eax)
        cpu.rbx = UInt64(answer.ebx)
        cpu.registers.value.rcx = UInt64(answer.ecx)
        cpu.rdx = UInt64(answer.edx)
        cpu.skip(2)
        return .resume
    }

    @inline(never)
    private mutating func makeCPUIDAnswer(_ leaf: UInt32, _ subleaf: UInt32) -> CPUIDRegisters {
        core.value.cpuid.cr4 = cpu.cr4
        var native = nativeCPUID(leaf, subleaf)
        if leaf == 0xD, subleaf == 1, cpu_read_cr4() & CR4.osXSAVE != 0 {
            native.ebx = CPUIDPolicy.compactedSize(xcr0: cpu_xgetbv(0)) { nativeCPUID(0xD, $0) }
        }
        return CPUIDPolicy.answer(leaf: leaf, subleaf: subleaf, native: native, core.value.cpuid)
    }
}

/// The silicon's answer. XCR0 is the guest's while its core is in root mode, as the policy wants it.
func nativeCPUID(_ leaf: UInt32, _ subleaf: UInt32) -> CPUIDRegisters {
    let answer = cpu_cpuid(leaf, subleaf)
    return CPUIDRegisters(eax: answer.eax, ebx: answer.ebx, ecx: answer.ecx, edx: answer.edx)
}
