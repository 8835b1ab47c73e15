import Platform
import Records
import Silicon
import X86

extension VCPURunner {
    /// The core as a guest may find it: nothing of its predecessor in registers that an entry does not load.
    mutating func prepareCore() {
        clearRegisters()
        clearPredictors()
        core.value.cpuid.apicMode = .x2APIC
        core.value.cpuidTable.fill(core.value.cpuid) { nativeCPUID($0, $1) }
    }

    /// Nothing of the guest that has ended stays in this core (law 9): not in its registers, not where they were kept, not
    /// on the stacks, on which what handled its exits has left copies. The caller handled none itself.
    mutating func scrubCore() {
        context.cpu.clear()
        context.resetModelCPU()
        context.trappedAccess.abandon()
        context.watch = VCPUWatch()
        core.value.exitHistory = ExitHistory()
        clearRegisters()
        let layout = core.value.layout
        unsafe cpu_zero(UnsafeMutableRawPointer(bitPattern: UInt(layout.doubleFaultStackTop - 0x1000)), 0x1000)
        clear_stack(layout.stackBottom)
    }

    private mutating func clearRegisters() {
        let hasXSAVE = cpu_read_cr4() & CR4.osXSAVE != 0
        if hasXSAVE {
            // Every component that the processor has, whichever the guest had enabled last (CPUID leaf 0Dh).
            let all = cpu_cpuid(0xD, 0)
            cpu_xsetbv(0, UInt64(all.edx) << 32 | UInt64(all.eax))
        }
        clear_vector_state()
        if hasXSAVE { cpu_xsetbv(0, 1) }
        LocalAPIC.reset(Extension.self)
        core.value.clock = KVMClock(partition.value.platform)
        // Guests write this without an exit, and no control block holds it.
        cpu_wrmsr(MSR.tscAux, 0)
    }

    /// What the last guest taught the core goes: the one place where another trust domain can have run on it.
    private mutating func clearPredictors() {
        let clearing = PredictorClearing(
            Extension.vendor, native: nativeCPUID,
            capabilities: { cpu_rdmsr(PredictorClearing.architecturalCapabilities) })
        clearing.clear(
            sibling: core.value.hasOthersSibling, write: { cpu_wrmsr($0, $1) }, overwriteBuffers: { cpu_verw() })
    }
}
