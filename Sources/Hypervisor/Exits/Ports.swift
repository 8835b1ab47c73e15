import Control
import Manifest
import Platform
import Silicon
import Synchronization
import X86

extension Lifecycle {
    /// Carries out one access to an I/O port, on the partition's own devices or on nothing.
    mutating func access(
        _ port: UInt16, _ size: UInt8, _ isInput: Bool, _ string: Bool, _ next: UInt64, _ core: borrowing CoreState
    ) -> Next {
        // String forms move memory; the platform has no port with which they are of use.
        if string {
            cpu.raise(Vector.generalProtection, error: 0)
            return .resume
        }
        let context = partition
        context.value.takeLock()
        while let byte = context.value.board.value.consoleIn.peek(), context.value.devices.receive(byte) {
            context.value.board.value.consoleIn.drop()
        }
        let answer = context.value.devices.access(
            port: port, size: Int(size), input: isInput, value: UInt32(truncatingIfNeeded: cpu.rax), tsc: cpu_rdtsc())
        if case .transmit(let byte) = answer.event { context.value.board.value.consoleOut.push(byte) }
        context.value.releaseLock()
        if isInput {
            // A 32-bit input clears the upper half of RAX; smaller ones leave what they do not write.
            let kept: UInt64 = size == 1 ? ~0xFF : size == 2 ? ~0xFFFF : 0
            cpu.rax = cpu.rax & kept | UInt64(answer.value) & ~kept & 0xFFFF_FFFF
        }
        cpu.rip = next
        switch answer.event {
        case .reset: return .end(.reboot)
        case .powerOff: return .end(.poweroff)
        case .panic: return .end(.panic)
        case .none, .transmit: return .resume
        }
    }
}
