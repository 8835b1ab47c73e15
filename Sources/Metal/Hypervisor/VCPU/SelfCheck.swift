import Silicon
import Synchronization
import Text
import X86

extension CoreState {
    static var cr0: UInt64 {
        CR0.paging | CR0.writeProtect | CR0.numericError | CR0.extensionType | CR0.protectionEnable | 2
    }
    static var cr4: UInt64 {
        let hasXSAVE = cpu_cpuid(1, 0).ecx & 1 << 26 != 0
        return CR4.physicalAddressExtension | CR4.osFXSR | MachineCheck.enableBit | (hasXSAVE ? CR4.osXSAVE : 0)
    }

    /// Reads back what protects this core, whether it runs a guest or not.
    func checkProcessor() -> ProtectionReport {
        let isAMD = program.vendor == .amd
        var report = ProtectionReport()
        report.check(.cr0, cpu_read_cr0(), is: Self.cr0)
        report.check(.cr3, cpu_read_cr3(), is: header.cr3)
        report.check(.cr4, cpu_read_cr4(), is: Self.cr4 | (isAMD ? 0 : CR4.vmxEnable))
        let mode = EFER.longModeEnable | EFER.longModeActive | EFER.noExecute | EFER.secureVirtualMachine
        report.check(.efer, cpu_rdmsr(MSR.efer), mask: mode, is: isAMD ? mode : mode ^ EFER.secureVirtualMachine)
        report.check(.memoryTypes, cpu_rdmsr(MSR.pat), mask: 0xFF00_00FF, is: 0x06)
        report.check(.localAPIC, cpu_rdmsr(MSR.apicBase), mask: ~(1 << 8), is: 0xFEE0_0C00)
        if isAMD {
            report.check(.virtualization, cpu_rdmsr(MSR.vmCR), mask: 1 << 4, is: 0)
            report.check(.exitState, cpu_rdmsr(MSR.vmHSavePA), is: layout.hostSave)
        } else {
            report.check(.virtualization, cpu_rdmsr(MSR.featureControl), mask: 5, is: 5)
        }
        let errata = Errata(program.vendor).violated { cpu_rdmsr($0) }
        report.check(.errata, errata == nil ? 1 : 0, is: 1)
        #if FAULT_INJECTION
            for bit in UInt8(0)..<16 where misread >> UInt64(bit) & 1 == 1 {
                report.check(ProtectionItem(rawValue: bit) ?? .cr0, 1, is: 0)
            }
        #endif
        return report
    }
}

extension VCPURunner {
    /// The core with its vCPU's control block; managers see what came of it on the control page.
    @inline(never)
    mutating func checkProtection() -> ProtectionReport {
        var report = core.value.checkProcessor()
        context.cpu.check(&report)
        let asked = partition.value.controlPage.value.checksAsked.load(ordering: .acquiring)
        partition.value.controlPage.value.protection[core.value.vcpu].store(
            report.word(count: asked), ordering: .releasing)
        core.value.checksDone = asked
        return report
    }

    /// Where managers have asked for it since the last time.
    @inline(__always)
    mutating func checkProtectionIfAsked() {
        let asked = partition.value.controlPage.value.checksAsked.load(ordering: .relaxed)
        guard asked != core.value.checksDone else { return }
        if core.value.vcpu == 0 { partition.value.kick(allBut: 0) }
        _ = checkProtection()
    }

    /// No guest runs on a core that is not protected as it should be.
    mutating func isProtected() -> Bool {
        let report = checkProtection()
        guard report.failed != 0 else { return true }
        let line = LogLine(
            "bulkhead: a vCPU is not entered: its core does not hold what was written (`bulkhead selfcheck`)")
        partition.value.controlPage.value.print(line)
        return false
    }
}
