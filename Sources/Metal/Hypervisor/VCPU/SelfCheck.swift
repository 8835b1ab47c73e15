import Resources
import Silicon
import Synchronization
import X86

extension CoreState {
    static let cr0 = CR0.paging | CR0.writeProtect | CR0.numericError | CR0.extensionType | CR0.protectionEnable | 2
    static var cr4: UInt64 {
        let hasXSAVE = cpu_cpuid(1, 0).ecx & 1 << 26 != 0
        return CR4.physicalAddressExtension | CR4.osFXSR | MachineCheck.enableBit | (hasXSAVE ? CR4.osXSAVE : 0)
    }

    /// Reads back what protects this core, whether it runs a guest or not.
    func checkProcessor() -> ProtectionReport {
        let isAMD = program.vendor == .amd, hasErrata = Errata(program.vendor).violated { read($0) } != nil
        let mode = EFER.longModeEnable | EFER.longModeActive | EFER.noExecute | (isAMD ? EFER.secureVirtualMachine : 0)
        var report = ProtectionReport()
        report.check(.cr0, cpu_read_cr0(), is: Self.cr0)
        report.check(.cr3, cpu_read_cr3() ^ flipped(.cr3), is: header.cr3)
        report.check(.cr4, cpu_read_cr4(), is: Self.cr4 | (isAMD ? 0 : CR4.vmxEnable))
        report.check(.efer, read(MSR.efer) & ~EFER.systemCall, is: mode)
        // Write-back and uncacheable, as this program's tables name them: by neither bit, and by PCD alone (SDM volume 3A, table 12-11).
        report.check(.memoryTypes, read(MSR.pat) & 0xFFFF_00FF, is: 0x0007_0006)
        report.check(.localAPIC, read(MSR.apicBase) & ~(1 << 8), is: 0xFEE0_0C00)
        if isAMD {
            report.check(.virtualization, read(MSR.vmCR) & 1 << 4, is: 0)
            report.check(.exitState, read(MSR.vmHSavePA), is: layout.hostSave)
        } else {
            report.check(.virtualization, read(MSR.featureControl) & 5, is: 5)
        }
        report.check(.errata, (hasErrata ? 1 : 0) ^ flipped(.errata), is: 0)
        report.check(.resources, (resources.holds { read($0) } ? 1 : 0) ^ flipped(.resources), is: 1)
        return report
    }

    private func read(_ msr: UInt32) -> UInt64 { cpu_rdmsr(msr) ^ (misread.number == msr ? misread.bits : 0) }
    func flipped(_ item: ProtectionItem) -> UInt64 { misread.number == UInt32(item.rawValue) ? misread.bits : 0 }
}

extension VCPURunner {
    /// Reads back what protects others from this vCPU; managers find what came of it on the control page.
    @inline(never)
    mutating func isProtected() -> Bool {
        var report = core.value.checkProcessor()
        context.cpu.check(&report)
        context.checkModel(&report)
        // The guest's kernel may have been locked: what the core remembers of the nested tables goes.
        context.cpu.view(isLoading: context.cpu.isLoading)
        // What that compares with is a copy on the stack; the context's own is mapped read-only.
        if let own = CoreState.own, let partition = own.value.partition {
            let nested = partition.value.nested[own.value.vcpu], copy = context.cpu.nested
            report.check(.nestedTables, copy.memory ^ own.value.flipped(.nestedTables), is: nested.memory)
            report.check(.nestedTables, copy.loader ^ copy.bus, is: nested.loader ^ nested.bus)
            report.check(.permissionMaps, context.cpu.maps.ports, is: partition.value.maps.ports)
            report.check(.permissionMaps, context.cpu.maps.msrs, is: partition.value.maps.msrs)
            report.check(.permissionMaps, context.cpu.maps.msrsGuarded, is: partition.value.maps.msrsGuarded)
            report.check(.permissionMaps, context.cpu.maps.msrsWithoutAPIC, is: partition.value.maps.msrsWithoutAPIC)
        }
        partition.value.controlPage.value.protection[core.value.vcpu].store(report.word, ordering: .releasing)
        return report.failed == 0
    }

    /// Where a manager has taken the answer before.
    @inline(__always)
    mutating func checkProtectionIfAsked() {
        let vcpu = core.value.vcpu
        core.value.showLife()
        guard partition.value.controlPage.value.protection[vcpu].load(ordering: .relaxed) == 0 else { return }
        if vcpu == 0 { partition.value.kick(allBut: 0) }
        _ = isProtected()
    }

    /// Halts until a kick or an interrupt.
    mutating func nap(tscKHz: UInt64? = nil) {
        checkProtectionIfAsked()
        core.value.nap(Extension.self, tscKHz: tscKHz)
    }
}
