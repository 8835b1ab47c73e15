import Control
import Manifest
import Platform
import Silicon
import Synchronization
import X86

extension Lifecycle {
    mutating func answerCPUID(_ core: inout CoreState) -> Next {
        let leaf = UInt32(truncatingIfNeeded: cpu.rax), subleaf = UInt32(truncatingIfNeeded: cpu.rcx)
        // XCR0 and XSS are the guest's while its core is in root mode, as the policy wants it.
        let silicon = cpu_cpuid(leaf, subleaf)
        core.cpuid.cr4 = cpu.cr4
        let answer = CPUIDPolicy.answer(
            leaf: leaf, subleaf: subleaf,
            native: CPUIDRegisters(eax: silicon.eax, ebx: silicon.ebx, ecx: silicon.ecx, edx: silicon.edx), core.cpuid)
        cpu.rax = UInt64(answer.eax)
        cpu.rbx = UInt64(answer.ebx)
        cpu.rcx = UInt64(answer.ecx)
        cpu.rdx = UInt64(answer.edx)
        cpu.skip(2)
        return .resume
    }
}
