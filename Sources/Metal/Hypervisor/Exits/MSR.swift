import Control
import Platform
import Silicon
import Watch
import X86

extension ExitContext {
    @inline(__always)
    mutating func readMSR() -> ExitOutcome {
        let msr = UInt32(truncatingIfNeeded: cpu.rcx)
        guard let value = msr == MSR.efer ? shownEFER : readOther(msr) else { return refuseMSR() }
        cpu.rax = value & 0xFFFF_FFFF
        cpu.rdx = value >> 32
        cpu.skip(2)
        return .resume
    }

    /// Nil where there is no such register.
    @inline(never)
    private mutating func readOther(_ msr: UInt32) -> UInt64? {
        switch emulation(msr) {
        case nil: nil
        case .apicBase: apicBase
        case .localVector: LocalAPIC.hasAllLocalVectors ? cpu_rdmsr(msr) : nil
        case .kvmWallClock: core.value.clock.wallClock
        case .kvmSystemTime: core.value.clock.systemTime
        // The command register reads as zero: delivery is never pending in x2APIC mode.
        case .interruptCommand: 0
        case .some(let other): other.constant ?? 0
        }
    }

    @inline(__always)
    mutating func writeMSR() -> ExitOutcome {
        let value = cpu.rdx << 32 | cpu.rax & 0xFFFF_FFFF
        let msr = UInt32(truncatingIfNeeded: cpu.rcx)
        // All others that guests write often do not exit.
        if msr == MSR.x2apicICR { return sendInterrupt(InterruptCommand(rawValue: value)) }
        count(.msr)
        guard msr == MSR.efer ? writeEFER(value) : writeOther(msr, value) else { return refuseMSR() }
        cpu.skip(2)
        return .resume
    }

    @inline(never)
    private mutating func writeEFER(_ value: UInt64) -> Bool {
        guard
            let new = EFERPolicy.written(value, current: shownEFER, paging: cpu.cr0 & CR0.paging != 0, Extension.vendor)
        else {
            return false
        }
        if isWatched { return writeWatchedEFER(new) }
        cpu.efer = new
        return true
    }

    /// The x2APIC's registers are there in its mode alone.
    private func emulation(_ msr: UInt32) -> MSREmulation? {
        msr >> 8 == 8 && core.value.cpuid.apicMode != .x2APIC ? nil : MSREmulation(msr, Extension.vendor)
    }

    private var apicBase: UInt64 {
        MSREmulation.apicBase(cpu_rdmsr(MSR.apicBase), vcpu: core.value.vcpu, core.value.cpuid.apicMode)
    }

    /// The core's own APIC stays on: the guest's registers are as after a reset, and cannot be reached.
    private mutating func writeAPICBase(_ value: UInt64) -> Bool {
        guard let mode = APICMode.written(value, current: apicBase) else { return false }
        guard mode != core.value.cpuid.apicMode else { return true }
        // In its other modes there is no map of MSRs in which those of system calls are guarded.
        if cpu.guarding == .locked {
            _ = allows(.apicBase, value)
            return false
        }
        core.value.cpuid.apicMode = mode
        core.value.cpuidTable.fill(core.value.cpuid) { nativeCPUID($0, $1) }
        cpu.showAPIC(mode == .x2APIC)
        LocalAPIC.reset(Extension.self)
        // A kick may have been taken with the interrupts.
        LocalAPIC.kick(LocalAPIC.id)
        return true
    }

    /// False when the write is refused.
    @inline(never)
    private mutating func writeOther(_ msr: UInt32, _ value: UInt64) -> Bool {
        switch emulation(msr) {
        case nil: false
        case .localVector: writeLocalVector(msr, value)
        case .correctedMachineCheck: LocalVectorPolicy.written(value, to: msr, Extension.vendor) != nil
        case .apicBase: writeAPICBase(value)
        case .legacyCounter: value == 0
        case .kvmWallClock: core.value.clock.writeWallClock(value, partition.value.guestMemory)
        case .kvmSystemTime: core.value.clock.writeSystemTime(value, partition.value.guestMemory)
        case .some: true
        }
    }

    private func writeLocalVector(_ msr: UInt32, _ value: UInt64) -> Bool {
        guard LocalAPIC.hasAllLocalVectors,
            let value = LocalVectorPolicy.written(value, to: msr, Extension.vendor)
        else { return false }
        cpu_wrmsr(msr, value)
        return true
    }

    @inline(never)
    private mutating func refuseMSR() -> ExitOutcome {
        if cpu.guarding == .locked, GuardedRegisters.covers(UInt32(truncatingIfNeeded: cpu.rcx)) {
            return beginGuardedInstruction()
        }
        cpu.raise(Vector.generalProtection, error: 0)
        return exchange(&watch.next, with: nil) ?? .resume
    }
}
