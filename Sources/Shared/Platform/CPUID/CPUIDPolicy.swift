import X86

/// What a guest is told about its processor: the silicon's answer cut down to an allow-list, and what only the hypervisor
/// knows in the place of the rest.
public enum CPUIDPolicy {
    /// The answer to CPUID with EAX = `leaf`, ECX = `subleaf`.
    /// - Parameter native: the silicon's answer to the same question, asked with the guest's XCR0 and IA32_XSS loaded, on
    ///   which the sizes of leaf 0Dh depend.
    public static func answer(
        leaf: UInt32, subleaf: UInt32, native: CPUIDRegisters, _ context: CPUIDContext
    ) -> CPUIDRegisters {
        if leaf >> 28 == 4 { return hypervisor(leaf, context) }
        var shown = rule(for: leaf, subleaf).map { native & $0.mask } ?? CPUIDRegisters()
        switch leaf {
        case 0x0: shown.eax = min(max(shown.eax, 0x0B), 0x0D)
        case 0x1: completeFeatures(&shown, context)
        case 0x4: completeCache(&shown, context)
        // The APIC timer runs in every power state (ARAT), since guests enter none but HLT.
        case 0x6: shown = CPUIDRegisters(eax: 1 << 2)
        case 0x7 where subleaf == 0: completeExtendedFeatures(&shown, context)
        case 0xB: shown = topology(subleaf, context)
        case 0x8000_0000: shown.eax = min(max(shown.eax, 0x8000_0008), 0x8000_001A)
        case 0x8000_0001: completeExtended1(&shown, context)
        // The TSC runs at a constant rate in every power state.
        case 0x8000_0007: shown = CPUIDRegisters(edx: 1 << 8)
        case 0x8000_0008: completeSizes(&shown, context)
        default: break
        }
        return shown
    }

    private static func completeFeatures(_ shown: inout CPUIDRegisters, _ context: CPUIDContext) {
        shown.ebx |= (context.apicID & 0xFF) << 24 | min(context.vcpuCount, 0xFF) << 16
        shown.ecx |= 1 << 21 | 1 << 31
        shown.mirrorOSXSAVE(context.cr4)
        shown.edx |= context.apicBit | (context.vcpuCount > 1 ? 1 << 28 : 0)
    }

    /// Intel's leaf 4: the first two levels belong to a core, the third to the partition.
    private static func completeCache(_ shown: inout CPUIDRegisters, _ context: CPUIDContext) {
        guard shown.eax & 0x1F != 0 else { return shown = CPUIDRegisters() }
        let others = (1 as UInt32) << min(context.apicIDBits, 12) - 1
        let level = shown.eax >> 5 & 7
        shown.eax |= min(others, 0x3F) << 26 | (level >= 3 ? others << 14 : 0)
    }

    private static func completeExtendedFeatures(_ shown: inout CPUIDRegisters, _ context: CPUIDContext) {
        shown.eax = min(shown.eax, 1)
        shown.mirrorOSPKE(context.cr4)
        if context.vendor == .amd { shown.edx &= ~speculationEDX }
    }

    /// Two levels: one thread a core, all cores in one package (Intel SDM vol. 2, leaf 0Bh).
    private static func topology(_ subleaf: UInt32, _ context: CPUIDContext) -> CPUIDRegisters {
        switch subleaf {
        case 0: CPUIDRegisters(eax: 0, ebx: 1, ecx: 1 << 8, edx: context.apicID)
        case 1:
            CPUIDRegisters(eax: context.apicIDBits, ebx: context.vcpuCount, ecx: 2 << 8 | 1, edx: context.apicID)
        default: CPUIDRegisters(ecx: subleaf & 0xFF, edx: context.apicID)
        }
    }

    private static func completeExtended1(_ shown: inout CPUIDRegisters, _ context: CPUIDContext) {
        // Intel has neither CmpLegacy nor a second APIC bit here.
        guard context.vendor == .amd else { return }
        if context.vcpuCount > 1 { shown.ecx |= 1 << 1 }
        shown.edx |= context.apicBit
    }

    private static func completeSizes(_ shown: inout CPUIDRegisters, _ context: CPUIDContext) {
        // Physical addresses end where the nested tables do; 57-bit linear ones are hidden.
        shown.eax = shown.eax & 0x00FF_0000 | min(shown.eax >> 8 & 0xFF, 48) << 8 | min(shown.eax & 0xFF, 48)
        guard context.vendor == .amd else { return }
        // Number of cores less one, and how many bits of the APIC id number them.
        shown.ecx = context.vcpuCount &- 1 & 0xFF | min(context.apicIDBits, 15) << 12
    }

    /// The signature and the two leaves by which Linux finds kvmclock (Linux Documentation/virt/kvm/x86/cpuid.rst).
    private static func hypervisor(_ leaf: UInt32, _ context: CPUIDContext) -> CPUIDRegisters {
        switch leaf {
        case 0x4000_0000:
            // "KVMKVMKVM", three zeros.
            return CPUIDRegisters(
                eax: highestHypervisorLeaf, ebx: 0x4B4D_564B, ecx: 0x564B_4D56, edx: 0x0000_004D)
        case 0x4000_0001:
            // CLOCKSOURCE2, CLOCKSOURCE_STABLE. Not the hint that vCPUs are never preempted: Linux would poll before each
            // HLT, to save exits that HLT does not cost here.
            return CPUIDRegisters(eax: 1 << 3 | 1 << 24)
        // The convention of VMware, which others share: frequencies in kHz.
        case highestHypervisorLeaf: return CPUIDRegisters(eax: context.tscKHz, ebx: context.apicTimerKHz)
        default: return CPUIDRegisters()
        }
    }

    private static let highestHypervisorLeaf: UInt32 = 0x4000_0010

    /// Whether a leaf is one of the hypervisor's that say nothing. Linux asks for 256 of them, one after the other.
    @inline(__always)
    static func isEmpty(_ leaf: UInt32) -> Bool { leaf > highestHypervisorLeaf && leaf < 0x5000_0000 }
}
