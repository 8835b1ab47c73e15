import Control
import Manifest
import Platform
import Silicon
import Synchronization
import X86

extension Lifecycle {
    mutating func readMSR(_ core: borrowing CoreState) -> Next {
        let value: UInt64
        switch MSRPolicy.lookup(UInt32(truncatingIfNeeded: cpu.rcx), CPU.vendor) {
        case .emulated(.efer): value = cpu.efer
        case .emulated(.localVector):
            guard LocalAPIC.hasAllLocalVectors else { return refuseMSR() }
            value = cpu_rdmsr(UInt32(truncatingIfNeeded: cpu.rcx))
        case .emulated(.kvmWallClock): value = core.clock.wallClock
        case .emulated(.kvmSystemTime): value = core.clock.systemTime
        // The command register reads as zero: delivery is never pending in x2APIC mode.
        case .emulated(.interruptCommand): value = 0
        case .emulated(let other): value = other.constant ?? 0
        case .passThrough, .readable, .refused: return refuseMSR()
        }
        cpu.rax = value & 0xFFFF_FFFF
        cpu.rdx = value >> 32
        cpu.skip(2)
        return .resume
    }

    mutating func writeMSR(_ core: inout CoreState) -> Next {
        let value = cpu.rdx << 32 | cpu.rax & 0xFFFF_FFFF
        // All others that guests write often do not exit.
        if UInt32(truncatingIfNeeded: cpu.rcx) == MSR.x2apicICR {
            return sendInterrupt(InterruptCommand(rawValue: value), core)
        }
        count(.msr, core)
        let rule = MSRPolicy.lookup(UInt32(truncatingIfNeeded: cpu.rcx), CPU.vendor)
        let accepted: Bool
        switch rule {
        case .emulated(.efer):
            let new = EFERPolicy.written(value, current: cpu.efer, paging: cpu.hasPaging, CPU.vendor)
            accepted = new != nil
            if let new { cpu.efer = new }
        case .emulated(.localVector):
            accepted = LocalAPIC.write(UInt32(truncatingIfNeeded: cpu.rcx), localVector: value)
        case .readable(.apicBase): accepted = value == cpu_rdmsr(MSR.apicBase)
        case .emulated(.kvmWallClock): accepted = core.clock.writeWallClock(value, partition.value.guestMemory)
        case .emulated(.kvmSystemTime): accepted = core.clock.writeSystemTime(value, partition.value.guestMemory)
        case .emulated, .readable: accepted = true
        case .passThrough, .refused: accepted = false
        }
        guard accepted else { return refuseMSR() }
        cpu.skip(2)
        return .resume
    }

    private mutating func refuseMSR() -> Next {
        cpu.raise(Vector.generalProtection, error: 0)
        return .resume
    }
}
