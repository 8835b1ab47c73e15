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
    static func kick(_ apicID: UInt32) { send(UInt64(apicID) << 32 | 0x4400) }

    static func sendINIT(_ apicID: UInt32) { send(UInt64(apicID) << 32 | 0x4500) }
    static func sendStartUp(_ apicID: UInt32, page: UInt64) { send(UInt64(apicID) << 32 | 0x4600 | page >> 12) }

    /// Writes the command register, which does not wait for what was stored before: who gets the interrupt must find it
    /// (Intel SDM volume 3A, section 11.12.3; AMD64 APM volume 2, section 16.11.2).
    @inline(__always)
    static func send(_ command: UInt64) {
        cpu_fence()
        cpu_wrmsr(MSR.x2apicICR, command)
    }

    /// Takes back the acknowledgement of an interrupt that has not reached its handler: it is pending again. A spurious one,
    /// which is not in service, is nobody's.
    static func requestAgain(_ vector: UInt8) {
        guard cpu_rdmsr(0x810 + UInt32(vector >> 5)) >> UInt64(vector & 31) & 1 != 0 else { return }
        cpu_wrmsr(MSR.x2apicEOI, 0)
        cpu_wrmsr(0x83F, UInt64(vector))
    }

    /// Whether the six entries of the local vector table exist that every processor with x2APIC has (version register,
    /// bits 23:16).
    static var hasAllLocalVectors: Bool { cpu_rdmsr(0x803) >> 16 & 0xFF >= 5 }

    /// From here on this core's timer ends its naps every 20 ms, so that it sees what nobody rings for, or what has been
    /// missed. `reset` ends that.
    static func startTicking(tscKHz: UInt64) {
        guard cpu_rdmsr(0x832) != tick else { return }
        cpu_wrmsr(0x80F, 0x1FF)
        cpu_wrmsr(0x808, 0)
        cpu_wrmsr(0x83E, 3)  // divided by 16
        // The timer's rate is in no register that all processors have.
        cpu_wrmsr(0x832, 0x10000)
        cpu_wrmsr(0x838, 0xFFFF_FFFF)
        let end = cpu_rdtsc() + tscKHz
        while cpu_rdtsc() < end { openWindow() }
        let millisecond = 0xFFFF_FFFF - cpu_rdmsr(0x839)
        cpu_wrmsr(0x832, tick)
        cpu_wrmsr(0x838, min(max(millisecond, 1) * 20, 0xFFFF_FFFF))
    }
    /// Periodic; the vector is dropped as any other.
    private static let tick: UInt64 = 1 << 17 | 0xF0

    /// Leaves nothing of a guest: timer and local interrupts off, what is pending or in service taken and dropped.
    static func reset<Extension: VirtualizationExtension>(_: Extension.Type) {
        let isWhole = hasAllLocalVectors
        for lvt in UInt32(0x832)...0x837 where isWhole || lvt != 0x833 && lvt != 0x834 { cpu_wrmsr(lvt, 0x10000) }
        cpu_wrmsr(0x838, 0)
        cpu_wrmsr(0x83E, 0)
        // The first write brings errors to light, the second takes them away.
        for _ in 0..<2 { cpu_wrmsr(0x828, 0) }
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
