import Control
import Platform
import Silicon
import Synchronization
import X86

extension ExitContext {
    /// Sends an IPI for the guest: only to its own partition's cores, only in modes that a guest may use (law 2).
    mutating func sendInterrupt(_ command: InterruptCommand) -> ExitOutcome {
        count(command.mode == .initSignal || command.mode == .startUp ? .initSipi : .icr)
        if command.hasReservedBits || core.value.cpuid.apicMode != .x2APIC { return refuse() }
        cpu.skip(2)
        let platform = partition.value.platform.apicIDs
        for vcpu in 0..<partition.value.vcpuCount where command.reaches(platform[vcpu], from: core.value.apicID) {
            switch command.mode {
            case .fixed where command.vector >= 16, .lowestPriority where command.vector >= 16:
                LocalAPIC.send(command.directed(to: platform[vcpu]))
                // Lowest priority means one core of those named.
                if command.mode == .lowestPriority { return .resume }
            case .nmi:
                if vcpu == core.value.vcpu {
                    cpu.hasPendingNMI = true
                } else {
                    partition.value.signals[vcpu].nmi.store(true, ordering: .releasing)
                    LocalAPIC.kick(platform[vcpu])
                }
            case .initSignal where !command.isDeassert: post(VCPUSignals.initSignal, vcpu)
            case .startUp:
                // Only a processor that waits for it, or is about to after an INIT, takes a start-up IPI.
                if vcpu != 0, waitsForStartUp(vcpu) { post(VCPUSignals.startUpIPI | UInt32(command.vector), vcpu) }
            default: break
            }
        }
        // An INIT to itself is taken at once.
        return partition.value.signals[core.value.vcpu].startUp.load(ordering: .relaxed) == VCPUSignals.initSignal
            ? .waitForStartUp : .resume
    }

    private mutating func waitsForStartUp(_ vcpu: Int) -> Bool {
        !partition.value.signals[vcpu].isActive.load(ordering: .sequentiallyConsistent)
            || partition.value.signals[vcpu].startUp.load(ordering: .sequentiallyConsistent) == VCPUSignals.initSignal
    }

    private mutating func post(_ signal: UInt32, _ vcpu: Int) {
        partition.value.signals[vcpu].startUp.store(signal, ordering: .sequentiallyConsistent)
        if vcpu != core.value.vcpu { LocalAPIC.kick(partition.value.platform.apicIDs[vcpu]) }
    }
}
