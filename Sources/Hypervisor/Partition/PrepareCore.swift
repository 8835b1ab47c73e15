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
        // Guests write these without an exit, and no control block holds them; SPEC_CTRL exists with IBRS or STIBP or SSBD
        // (AMD: 80000008h EBX; Intel: leaf 7 EDX).
        cpu_wrmsr(MSR.tscAux, 0)
        if cpu_cpuid(0x8000_0008, 0).ebx & (1 << 14 | 1 << 15 | 1 << 24) != 0
            || cpu_cpuid(7, 0).edx & (1 << 26 | 1 << 27 | 1 << 31) != 0
        {
            cpu_wrmsr(MSR.speculationControl, 0)
        }
        core.cpuidTable.fill(core.cpuid) { Self.nativeCPUID($0, $1) }
    }
}
