import Silicon
import X86

/// The local APIC of the core that executes this, in x2APIC mode (AMD64 APM volume 2, section 16.11 and following).
enum LocalAPIC {
    static func enable() {
        let base = cpu_rdmsr(MSR.apicBase)
        cpu_wrmsr(MSR.apicBase, base | 1 << 11)
        cpu_wrmsr(MSR.apicBase, base | 1 << 11 | 1 << 10)
    }

    static var id: UInt32 { UInt32(truncatingIfNeeded: cpu_rdmsr(0x802)) }

    /// Gets another core's attention by an NMI: it ends a guest's run, or a sleep.
    static func kick(_ apicID: UInt32) { cpu_wrmsr(MSR.x2apicICR, UInt64(apicID) << 32 | 0x4400) }

    static func sendINIT(_ apicID: UInt32) { cpu_wrmsr(MSR.x2apicICR, UInt64(apicID) << 32 | 0x4500) }
    static func sendStartUp(_ apicID: UInt32, page: UInt64) {
        cpu_wrmsr(MSR.x2apicICR, UInt64(apicID) << 32 | 0x4600 | page >> 12)
    }

    /// Whether the six entries of the local vector table exist that every processor with x2APIC has (version register,
    /// bits 23:16).
    static var hasAllLocalVectors: Bool { cpu_rdmsr(0x803) >> 16 & 0xFF >= 5 }

    /// Leaves nothing of a guest: timer and local interrupts off, what is pending or in service taken and dropped.
    static func reset<Extension: VirtualizationExtension>(_: Extension.Type) {
        let isWhole = hasAllLocalVectors
        for lvt in UInt32(0x832)...0x837 where isWhole || lvt != 0x833 && lvt != 0x834 { cpu_wrmsr(lvt, 0x10000) }
        cpu_wrmsr(0x838, 0)
        cpu_wrmsr(0x80F, 0x1FF)
        cpu_wrmsr(0x808, 0)
        for register in UInt32(0)..<8 {
            // At most 32 vectors a register are in service, and each acknowledgement ends one.
            for _ in 0..<32 where cpu_rdmsr(0x810 + register) != 0 { cpu_wrmsr(MSR.x2apicEOI, 0) }
        }
        Extension.enableGlobalInterrupts()
        for register in UInt32(0)..<8 {
            for _ in 0..<32 where cpu_rdmsr(0x820 + register) != 0 { cpu_interrupt_window() }
        }
        Extension.disableGlobalInterrupts()
        cpu_wrmsr(0x80F, 0xFF)
    }
}
