import Control
import Platform
import Silicon
import Synchronization
import X86

extension Lifecycle {
    /// Carries out one access to an I/O port, on the partition's own devices or on nothing.
    @inline(__always)
    mutating func access(_ port: PortAccess, _ next: UInt64, _ core: borrowing CoreState) -> ExitOutcome {
        guard port.isUARTByte, partition.value.platform.console else { return accessOther(port, next, core) }
        let context = partition
        let register = UInt8(truncatingIfNeeded: port.port & 7)
        context.value.takeLock(core.vcpu)
        if port.isInput {
            while let byte = context.value.controlPage.value.consoleIn.peek(), context.value.devices.receive(byte) {
                context.value.controlPage.value.consoleIn.removeFirst()
            }
            cpu.rax = cpu.rax & ~0xFF | UInt64(context.value.devices.uart.read(register))
        } else if let sent = context.value.devices.uart.write(register, UInt8(truncatingIfNeeded: cpu.rax)) {
            context.value.controlPage.value.consoleOut.push(sent)
        }
        context.value.releaseLock()
        cpu.rip = next
        return .resume
    }

    @inline(never)
    private mutating func accessOther(_ port: PortAccess, _ next: UInt64, _ core: borrowing CoreState) -> ExitOutcome {
        if PortPolicy.isVacant(port) {
            if port.isInput { cpu.rax = port.merge(.max, into: cpu.rax) }
            cpu.rip = next
            return .resume
        }
        if GuestBus.claims(port), let functions = partition.value.functions {
            return accessConfiguration(port, next, functions, core)
        }
        let context = partition
        context.value.takeLock(core.vcpu)
        let answer = context.value.devices.access(port, value: UInt32(truncatingIfNeeded: cpu.rax), tsc: cpu_rdtsc())
        if case .transmit(let byte) = answer.event { context.value.controlPage.value.consoleOut.push(byte) }
        context.value.releaseLock()
        switch answer.event {
        case .none, .transmit:
            if port.isInput { cpu.rax = port.merge(answer.value, into: cpu.rax) }
            cpu.rip = next
            return .resume
        case .refused:
            cpu.raise(Vector.generalProtection, error: 0)
            return .resume
        case .reset: return .end(.reboot)
        case .powerOff: return .end(.poweroff)
        case .panic: return .end(.panic)
        }
    }

    @inline(never)
    private mutating func accessConfiguration(
        _ port: PortAccess, _ next: UInt64, _ functions: Pointer<PartitionFunctions>, _ core: borrowing CoreState
    ) -> ExitOutcome {
        partition.value.takeLock(core.vcpu)
        let answer = functions.value.guest.access(
            port, value: UInt32(truncatingIfNeeded: cpu.rax), on: FunctionWindow(functions: functions))
        partition.value.releaseLock()
        if port.isInput { cpu.rax = port.merge(answer, into: cpu.rax) }
        cpu.rip = next
        return .resume
    }
}
