import Silicon
import Text
import X86

extension VMX: VMCSReader {
    func read(_ field: UInt32) -> UInt64 { self[field] }

    /// The check that failed, found by going through all of them (section 27.3.1).
    func describeInvalidState(to line: inout LogLine) {
        let sizes = cpu_cpuid(0x8000_0008, 0).eax
        let rules = EntryRules(
            cr0Fixed0: cpu_rdmsr(MSR.vmxCR0Fixed0), cr0Fixed1: cpu_rdmsr(MSR.vmxCR0Fixed1),
            cr4Fixed0: cpu_rdmsr(MSR.vmxCR4Fixed0), cr4Fixed1: cpu_rdmsr(MSR.vmxCR4Fixed1),
            misc: cpu_rdmsr(MSR.vmxMisc), physicalBits: Int(sizes & 0xFF), linearBits: Int(sizes >> 8 & 0xFF))
        guard let failure = failedEntryCheck(self, rules) else {
            line.write("none of the known checks fails, exit reason ")
            line.write(hexadecimal: self[VMCSField.exitReason])
            return
        }
        line.write(failure.subject)
        line.write(" ")
        line.write(hexadecimal: self[failure.field])
        line.write(": ")
        line.write(failure.problem)
        line.write(" (SDM volume 3C, ")
        line.write(failure.section)
        line.write(")")
    }
}
