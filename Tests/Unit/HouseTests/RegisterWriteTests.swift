import Testing

/// An instruction in root mode that faults on a guest's value is a fault of the hypervisor that a guest can cause. What
/// answers exits writes no register but by these lines: a table has said what the processor takes of the guest's value, and a
/// unit test holds that table against the manual's reserved bits.
@Suite struct RegisterWriteTests {
    private enum Value {
        /// A guest's, of which the unit tests of this name say what the processor takes.
        case guests(String)
        /// A guest's, and the register takes any.
        case any
        /// The hypervisor's own, whatever a guest does.
        case own
    }

    private static let writes: [(file: String, line: String, value: Value)] = [
        (
            "Exits/InterruptCommands.swift", "LocalAPIC.send(command.directed(to: platform[vcpu]))",
            .guests("InterruptCommandTests")
        ),
        (
            "Exits/Exceptions.swift",
            "if event.kind == .nmi { cpu.hasPendingNMI = true } else { LocalAPIC.requestAgain(event.vector) }",
            .guests("EventDeliveryTests")
        ),
        (
            // Vectors below 16, and other cores, are not sent (`Faults`: a model that says ones).
            "Exits/RunModel.swift", "LocalAPIC.send(id << 32 | vector)", .guests("DeviceModelTests")
        ),
        ("Exits/MSR.swift", "cpu_wrmsr(msr, value)", .guests("LocalVectorTests")),
        ("Exits/XSETBV.swift", "cpu_xsetbv(0, value)", .guests("XCR0Tests")),
        (
            "VCPU/VMX/VMXDecode.swift",
            "cpu_write_dr6(cpu_read_dr6() & ~0xF | step.own(self[VMCSField.exitQualification]))",
            .guests("SingleStepTests")
        ),
        // The linear address of a page fault, which the processor has written down (SDM volume 3A, section 2.5).
        (
            "VCPU/VMX/VMXDecode.swift",
            "if event.vector == Vector.pageFault { cpu_write_cr2(self[VMCSField.exitQualification]) }", .any
        ),
        (
            "VCPU/VMX/VMX.swift",
            "cpu_wrmsr(MSR.featureControl, 1 << 2 | 1 | (isLocal ? MachineCheckRegisters.localInFeatureControl : 0))",
            .own
        ),
        ("VCPU/VMX/VMX.swift", "cpu_write_cr4(cpu_read_cr4() | CR4.vmxEnable)", .own),
        ("VCPU/VMX/VMXReset.swift", "for msr in MSR.star...MSR.syscallMask { cpu_wrmsr(msr, 0) }", .own),
        ("VCPU/VMX/VMXReset.swift", "cpu_wrmsr(MSR.kernelGSBase, 0)", .own),
        ("VCPU/VMX/VMXReset.swift", "cpu_write_cr2(0)", .own),
        ("VCPU/VMX/VMXReset.swift", "cpu_write_dr(0)", .own),
        ("VCPU/VMX/VMXReset.swift", "cpu_write_dr6(0xFFFF_0FF0)", .own),
        ("VCPU/SVM/SVM.swift", "cpu_wrmsr(MSR.efer, cpu_rdmsr(MSR.efer) | EFER.secureVirtualMachine)", .own),
        ("VCPU/SVM/SVM.swift", "cpu_wrmsr(MSR.vmHSavePA, core.hostSave)", .own),
        ("VCPU/SVM/SVM.swift", "cpu_wrmsr(0xC001_1029, cpu_rdmsr(0xC001_1029) | 1 << 1)", .own),
        ("VCPU/SVM/SVMReset.swift", "cpu_write_cr2(0)", .own),
        ("VCPU/SVM/SVMReset.swift", "cpu_write_dr(0)", .own),
        // Every component that the processor has.
        ("VCPU/ScrubCore.swift", "cpu_xsetbv(0, UInt64(all.edx) << 32 | UInt64(all.eax))", .own),
        ("VCPU/ScrubCore.swift", "if hasXSAVE { cpu_xsetbv(0, 1) }", .own),
        ("VCPU/ScrubCore.swift", "cpu_wrmsr(MSR.tscAux, 0)", .own),
        (
            "VCPU/ScrubCore.swift",
            "sibling: core.value.hasOthersSibling, write: { cpu_wrmsr($0, $1) }, overwriteBuffers: { cpu_verw() })",
            .own
        ),
        ("Watch/WatchState.swift", "cpu_write_cr0(cr0 & ~CR0.writeProtect)", .own),
        ("Watch/WatchState.swift", "defer { cpu_write_cr0(cr0) }", .own),
    ]

    @Test(arguments: ["Exits", "VCPU", "Watch"]) func everyWriteOfAGuestsValueHasItsTable(_ folder: String) {
        let top = "Sources/Metal/Hypervisor/"
        let tests = Set(Repository.swiftFiles.map { $0.path.split(separator: "/").last.map(String.init) ?? "" })
        var found = 0
        for file in Repository.swiftFiles
        where file.path.hasPrefix("\(top)\(folder)/") && !file.path.contains("InjectedFaults") {
            for line in file.lines
            where line.contains(/(cpu_(wrmsr|xsetbv|write_(cr|dr)[0-9]*)|LocalAPIC\.(send|requestAgain))\(/) {
                let line = String(line.drop(while: \.isWhitespace))
                let row = Self.writes.first { top + $0.file == file.path && $0.line == line }
                #expect(row != nil, "\(file): \(line) is not in the table above")
                if case .guests(let test) = row?.value {
                    #expect(tests.contains("\(test).swift"), "\(line): its test is gone")
                }
                found += 1
            }
        }
        #expect(found == Self.writes.count { $0.file.hasPrefix(folder + "/") })
    }
}
