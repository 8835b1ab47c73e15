import Control
import Manifest
import Platform
import Silicon
import Synchronization
import X86

extension Lifecycle {
    /// The core as a guest may find it: nothing of its predecessor in registers that VMRUN does not load.
    func prepareCore(_ core: inout CoreState) {
        let hasXSAVE = cpu_read_cr4() & CR4.osXSAVE != 0
        if hasXSAVE {
            // Every component that the processor has, whichever the guest had enabled last (CPUID leaf 0Dh).
            let all = cpu_cpuid(0xD, 0)
            cpu_xsetbv(0, UInt64(all.edx) << 32 | UInt64(all.eax))
        }
        clear_vector_state()
        if hasXSAVE { cpu_xsetbv(0, 1) }
        LocalAPIC.reset(CPU.self)
        core.clock = KVMClock(partition.value.platform)
        // Guests write these without an exit, and no control block holds them; XSS exists with XSAVES alone (CPUID leaf
        // 0Dh), SPEC_CTRL with IBRS or STIBP or SSBD (80000008h EBX).
        cpu_wrmsr(MSR.tscAux, 0)
        if cpu_read_cr4() & CR4.osXSAVE != 0, cpu_cpuid(0xD, 1).eax & 1 << 3 != 0 { cpu_wrmsr(MSR.xss, 0) }
        if cpu_cpuid(0x8000_0008, 0).ebx & (1 << 14 | 1 << 15 | 1 << 24) != 0 { cpu_wrmsr(MSR.speculationControl, 0) }
    }
}
