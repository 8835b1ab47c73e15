import Manifest
import X86

/// What the hypervisor demands of a processor before anything else, from what Linux shows of it: the boot's checks in the boot's
/// order and words. Registers are asked where they can be read, else Linux' list of features.
struct ProcessorCheck {
    let info: ProcessorInfo
    let registers: RecordedRegisters

    var requirements: [Requirement] {
        let virtualization =
            switch info.vendor {
            case "AuthenticAMD", "HygonGenuine": svm
            case "GenuineIntel": vmx
            default:
                Requirement(
                    "virtualization", .unmet, "the processor is neither AMD's nor Intel's (CPUID 0)",
                    advice: info.vendor.isEmpty ? "no processor is described: is this a machine's root folder?" : nil)
            }
        return [virtualization, x2apic]
    }

    private var isVirtual: Bool { info.flags.contains("hypervisor") }
    /// Where the switch is found: boards name it differently.
    private func enable(_ names: String) -> String {
        isVirtual
            ? "this is itself a virtual machine: switch on nested virtualization in what runs it"
            : "switch on \(names) in the firmware's set-up"
    }

    private func unmet(_ words: String, _ advice: String? = nil) -> Requirement {
        Requirement("virtualization", .unmet, words, advice: advice)
    }

    private var svm: Requirement {
        let setting = "\"SVM Mode\" (also \"AMD-V\", \"Virtualization\")"
        let isThere = registers.cpuid(0x8000_0001).map { $0.ecx & 1 << 2 != 0 } ?? info.flags.contains("svm")
        let control = registers.msr(MSR.vmCR)
        // Linux hides SVM that firmware has switched off (from 6.7 on), and every processor of AMD's with x2APIC has it.
        if control.map({ $0 & 1 << 4 != 0 }) ?? (!isThere && !isVirtual) {
            return unmet("SVM is disabled by the firmware (VM_CR.SVMDIS)", enable(setting))
        }
        guard isThere else { return unmet("the processor has no SVM (CPUID 80000001h ECX bit 2)", enable(setting)) }
        let leaf = registers.cpuid(0x8000_000A)
        guard leaf.map({ $0.edx & 1 != 0 }) ?? info.flags.contains("npt") else {
            return unmet("the processor has no nested paging (CPUID 8000000Ah EDX bit 0)")
        }
        if let leaf, leaf.ebx <= UInt32(Manifest.maxPartitions) {
            return unmet("the processor has fewer address space ids than there may be partitions (CPUID 8000000Ah EBX)")
        }
        return Requirement("virtualization", .met, "AMD SVM with nested paging")
    }

    private var vmx: Requirement {
        let setting = "\"Intel Virtualization Technology\" (VT-x, VMX)"
        let isThere = registers.cpuid(1).map { $0.ecx & 1 << 5 != 0 } ?? info.flags.contains("vmx")
        if let feature = registers.msr(MSR.featureControl), feature & 1 != 0, feature & 1 << 2 == 0 {
            return unmet("VMX is disabled by the firmware (IA32_FEATURE_CONTROL bit 2)", enable(setting))
        }
        guard isThere else {
            // Linux hides VMX that firmware has locked off (from 5.6 on).
            return unmet(
                registers.cpuid(1) != nil || isVirtual
                    ? "the processor has no VMX (CPUID 1 ECX bit 5)"
                    : "VMX is disabled by the firmware (IA32_FEATURE_CONTROL bit 2)", enable(setting))
        }
        if let missing = missingCapability { return unmet(missing) }
        return Requirement("virtualization", .met, "Intel VMX with EPT, VPID and unrestricted guest")
    }

    /// By the capability registers; without them by Linux' list, where it has one.
    private var missingCapability: String? {
        guard let basic = registers.msr(MSR.vmxBasic) else {
            if info.vmxFlags.isEmpty { return nil }
            let names = ["ept": "enable EPT", "vpid": "enable VPID", "unrestricted_guest": "unrestricted guest"]
            return names.sorted { $0.key < $1.key }.first { !info.vmxFlags.contains($0.key) }
                .map { "the processor lacks \($0.value)" }
        }
        if let missing = VMXBasic(rawValue: basic).missing { return "the processor lacks \(missing)" }
        for set in [ControlSet.pin, .processor, .secondary, .exit, .entry] {
            guard let capability = registers.msr(set.capability) else { continue }
            switch set.fold(capability: capability) {
            case .value: break
            case .notOffered(let control): return "the processor lacks a VMX control: \(name(control, of: set))"
            case .alwaysOn(let control): return "the processor insists on a VMX control: \(name(control, of: set))"
            }
        }
        return registers.msr(MSR.vmxEPTCapability).flatMap { EPTCapability(rawValue: $0).missing }
            .map { "the processor lacks \($0)" }
    }

    private func name(_ control: UInt32, of set: ControlSet) -> String {
        set.bitName.description.replacing("%d", with: String(control.trailingZeroBitCount))
    }

    private var x2apic: Requirement {
        let isThere = registers.cpuid(1).map { $0.ecx & 1 << 21 != 0 } ?? info.flags.contains("x2apic")
        return isThere
            ? Requirement("x2APIC", .met, "offered by the processor")
            : Requirement(
                "x2APIC", .unmet, "the processor has no x2APIC (CPUID 1 ECX bit 21)",
                advice: isVirtual
                    ? "this is itself a virtual machine: show it an x2APIC"
                    : "switch on \"x2APIC\" (\"Local APIC mode\") in the firmware's set-up, if it has it")
    }
}
