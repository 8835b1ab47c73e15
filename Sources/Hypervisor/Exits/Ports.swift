import Control
import Manifest
import Platform
import Silicon
import Synchronization
import X86

extension Lifecycle {
    /// Carries out one access to an I/O port, on the partition's own devices or on nothing.
    mutating func access(_ port: PortAccess, _ next: UInt64) -> Next {
        let context = partition
        context.value.takeLock()
        while let byte = context.value.board.value.consoleIn.peek(), context.value.devices.receive(byte) {
            context.value.board.value.consoleIn.drop()
        }
        let answer = context.value.devices.access(port, value: UInt32(truncatingIfNeeded: cpu.rax), tsc: cpu_rdtsc)
        if case .transmit(let byte) = answer.event { context.value.board.value.consoleOut.push(byte) }
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
}
