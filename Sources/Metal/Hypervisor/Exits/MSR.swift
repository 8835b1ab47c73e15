import Control
import Platform
import Silicon
import Synchronization
import X86

extension Lifecycle {
    @inline(__always)
    mutating func readMSR(_ core: borrowing CoreState) -> ExitOutcome {
        let msr = UInt32(truncatingIfNeeded: cpu.rcx)
        guard let value = msr == MSR.efer ? cpu.efer : readOther(msr, core) else { return refuseMSR() }
        cpu.rax = value & 0xFFFF_FFFF
        cpu.rdx = value >> 32
        cpu.skip(2)
        return .resume
    }

    /// Nil where there is no such register.
    @inline(never)
    private func readOther(_ msr: UInt32, _ core: borrowing CoreState) -> UInt64? {
        switch MSREmulation(msr, CPU.vendor) {
        case nil: nil
        case .thermalVector, .performanceVector, .localVector0, .localVector1, .errorVector:
            LocalAPIC.hasAllLocalVectors ? cpu_rdmsr(msr) : nil
        case .kvmWallClock: core.clock.wallClock
        case .kvmSystemTime: core.clock.systemTime
        // The command register reads as zero: delivery is never pending in x2APIC mode.
        case .interruptCommand: 0
        case .some(let other): other.constant ?? 0
        }
    }

    @inline(__always)
    mutating func writeMSR(_ core: inout CoreState) -> ExitOutcome {
        let value = cpu.rdx << 32 | cpu.rax & 0xFFFF_FFFF
        let msr = UInt32(truncatingIfNeeded: cpu.rcx)
        // All others that guests write often do not exit.
        if msr == MSR.x2apicICR { return sendInterrupt(InterruptCommand(rawValue: value), core) }
        count(.msr, core)
        guard msr == MSR.efer ? writeEFER(value) : writeOther(msr, value, &core) else { return refuseMSR() }
        cpu.skip(2)
        return .resume
    }

    @inline(__always)
    private mutating func writeEFER(_ value: UInt64) -> Bool {
        guard let new = EFERPolicy.written(value, current: cpu.efer, paging: cpu.hasPaging, CPU.vendor) else {
            return false
        }
        cpu.efer = new
        return true
    }

    /// False when the write is refused.
    @inline(never)
    private func writeOther(_ msr: UInt32, _ value: UInt64, _ core: inout CoreState) -> Bool {
        switch MSREmulation(msr, CPU.vendor) {
        case nil: false
        case .thermalVector, .performanceVector, .localVector0, .localVector1, .errorVector:
            LocalAPIC.write(msr, localVector: value)
        case .apicBase: value == cpu_rdmsr(MSR.apicBase)
        case .kvmWallClock: core.clock.writeWallClock(value, partition.value.guestMemory)
        case .kvmSystemTime: core.clock.writeSystemTime(value, partition.value.guestMemory)
        case .some: true
        }
    }

    @inline(never)
    private mutating func refuseMSR() -> ExitOutcome {
        cpu.raise(Vector.generalProtection, error: 0)
        return .resume
    }
}
