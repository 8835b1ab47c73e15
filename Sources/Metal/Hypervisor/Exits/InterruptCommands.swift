import Control
import Platform
import Silicon
import Synchronization
import X86

extension Lifecycle {
    /// Sends an IPI for the guest: only to its own partition's cores, only in modes that a guest may use (law 2).
    mutating func sendInterrupt(_ command: InterruptCommand, _ core: borrowing CoreState) -> ExitOutcome {
        count(command.mode == .initSignal || command.mode == .startUp ? .initSipi : .icr, core)
        if command.hasReservedBits {
            cpu.raise(Vector.generalProtection, error: 0)
            return .resume
        }
        cpu.skip(2)
        let platform = partition.value.platform.apicIDs
        for vcpu in 0..<partition.value.vcpuCount where command.reaches(platform[vcpu], from: core.apicID) {
            switch command.mode {
            case .fixed where command.vector >= 16, .lowestPriority where command.vector >= 16:
                cpu_wrmsr(MSR.x2apicICR, command.directed(to: platform[vcpu]))
                // Lowest priority means one core of those named.
                if command.mode == .lowestPriority { return .resume }
            case .nmi:
                if vcpu == core.vcpu {
                    cpu.injectNMI()
                } else {
                    partition.value.mail[vcpu].nmi.store(true, ordering: .releasing)
                    LocalAPIC.kick(platform[vcpu])
                }
            case .initSignal where !command.isDeassert: post(Mailbox.initSignal, vcpu, core)
            case .startUp:
                // Only a processor that waits for it, or is about to after an INIT, takes a start-up IPI.
                if vcpu != 0, waitsForStartUp(vcpu) { post(0x100 | UInt32(command.vector), vcpu, core) }
            default: break
            }
        }
        // An INIT to itself has to wait in its own mailbox no longer.
        return partition.value.mail[core.vcpu].startUp.load(ordering: .relaxed) == Mailbox.initSignal ? .park : .resume
    }

    private func waitsForStartUp(_ vcpu: Int) -> Bool {
        !partition.value.mail[vcpu].isActive.load(ordering: .sequentiallyConsistent)
            || partition.value.mail[vcpu].startUp.load(ordering: .sequentiallyConsistent) == Mailbox.initSignal
    }

    private func post(_ mail: UInt32, _ vcpu: Int, _ core: borrowing CoreState) {
        partition.value.mail[vcpu].startUp.store(mail, ordering: .sequentiallyConsistent)
        if vcpu != core.vcpu { LocalAPIC.kick(partition.value.platform.apicIDs[vcpu]) }
    }
}
