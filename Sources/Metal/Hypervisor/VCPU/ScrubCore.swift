import Platform
import Silicon
import Synchronization
import X86

extension Lifecycle {
    /// The core as a guest may find it: nothing of its predecessor in registers that VMRUN does not load.
    func prepareCore(_ core: inout CoreState) {
        clearRegisters(&core)
        clearPredictors(core)
        core.cpuidTable.fill(core.cpuid) { nativeCPUID($0, $1) }
    }

    /// ScratchPages of the guest that has ended stays in this core (law 9): not in its registers, not where they were kept, not
    /// on the stacks, on which what handled its exits has left copies. The caller handled none itself.
    mutating func forget(_ core: inout CoreState) {
        cpu.clear()
        trappedAccess.abandon()
        clearRegisters(&core)
        unsafe cpu_zero(UnsafeMutableRawPointer(bitPattern: UInt(core.layout.doubleFaultStackTop - 0x1000)), 0x1000)
        clear_stack(core.layout.stackBottom)
    }

    private func clearRegisters(_ core: inout CoreState) {
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
        // Guests write this without an exit, and no control block holds it.
        cpu_wrmsr(MSR.tscAux, 0)
    }

    /// What the last guest taught the core goes: the one place where another trust domain can have run on it.
    private func clearPredictors(_ core: borrowing CoreState) {
        let clearing = PredictorClearing(
            CPU.vendor, native: nativeCPUID, capabilities: readArchitecturalCapabilities)
        var silicon = SiliconSpeculation()
        clearing.clear(&silicon, sibling: core.hasForeignSibling)
    }
}

private func readArchitecturalCapabilities() -> UInt64 { cpu_rdmsr(PredictorClearing.architecturalCapabilities) }

/// The registers of the core that executes this.
private struct SiliconSpeculation: SpeculationState {
    func write(_ msr: UInt32, _ value: UInt64) { cpu_wrmsr(msr, value) }
    func overwriteBuffers() { cpu_verw() }
}
