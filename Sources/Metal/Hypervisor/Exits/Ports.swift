import Control
import Platform
import Silicon
import X86

extension ExitContext {
    /// Carries out one access to an I/O port, on the partition's own devices or on nothing.
    @inline(__always)
    mutating func access(_ port: PortAccess, _ next: UInt64) -> ExitOutcome {
        if port.isUARTByte, partition.value.platform.console {
            accessUART(port)
        } else {
            guard PortPolicy.isVacant(port) else { return accessOther(port, next) }
            if port.isInput { cpu.rax = port.merge(.max, into: cpu.rax) }
        }
        cpu.finish(at: next)
        return .resume
    }

    @inline(never)
    private mutating func accessUART(_ port: PortAccess) {
        let context = partition
        let register = UInt8(truncatingIfNeeded: port.port & 7)
        context.value.takeLock(core.value.vcpu)
        if port.isInput {
            while let byte = context.value.controlPage.consoleIn.peek(), !isConsoleLive,
                context.value.legacyDevices.receive(byte)
            {
                context.value.controlPage.consoleIn.removeFirst()
            }
            cpu.rax = cpu.rax & ~0xFF | UInt64(context.value.legacyDevices.uart.read(register))
        } else if let sent = context.value.legacyDevices.uart.write(register, UInt8(truncatingIfNeeded: cpu.rax)) {
            context.value.controlPage.consoleOut.push(sent)
        }
        context.value.releaseLock()
    }

    @inline(never)
    private mutating func accessOther(_ port: PortAccess, _ next: UInt64) -> ExitOutcome {
        if let functions = partition.value.functions {
            if let call = functions.value.guest.call(for: port, value: UInt32(truncatingIfNeeded: cpu.rax)) {
                return accessModel(call, port, next)
            }
            if GuestBus.claims(port) { return accessConfiguration(port, next, functions) }
        }
        let context = partition
        context.value.takeLock(core.value.vcpu)
        let answer = context.value.legacyDevices.access(
            port, value: UInt32(truncatingIfNeeded: cpu.rax), tsc: cpu_rdtsc())
        switch answer.event {
        case .transmit(let byte): context.value.controlPage.consoleOut.push(byte)
        case .kick: context.value.showWatchdog()
        default: break
        }
        context.value.releaseLock()
        switch answer.event {
        case .none, .transmit, .kick:
            if port.isInput { cpu.rax = port.merge(answer.value, into: cpu.rax) }
            cpu.finish(at: next)
            return .resume
        case .refused: return refuse()
        case .reset: return .end(.reboot)
        case .powerOff: return .end(.poweroff)
        case .panic: return .end(.panic)
        }
    }

    @inline(never)
    private mutating func accessConfiguration(
        _ port: PortAccess, _ next: UInt64, _ functions: Pointer<PartitionFunctions>
    ) -> ExitOutcome {
        partition.value.takeLock(core.value.vcpu)
        let answer = functions.value.guest.access(
            port, value: UInt32(truncatingIfNeeded: cpu.rax), on: FunctionWindow(functions: functions))
        partition.value.releaseLock()
        if port.isInput { cpu.rax = port.merge(answer, into: cpu.rax) }
        cpu.finish(at: next)
        return .resume
    }
}
