import Platform
import Synchronization

extension VCPURunner {
    /// Waits for start-up IPIs and runs the vCPU, again and again.
    mutating func runSecondaryVCPU() -> Never {
        let vcpu = core.value.vcpu
        scrubCore()
        while true {
            partition.value.signals[vcpu].isActive.store(false, ordering: .sequentiallyConsistent)
            let signal = partition.value.signals[vcpu].startUp.load(ordering: .sequentiallyConsistent)
            guard signal & VCPUSignals.startUpIPI != 0,
                partition.value.order.load(ordering: .relaxed) == VCPUOrder.run
            else {
                // It may be this core that the housekeeping core has told, and the guest never started its vCPU.
                partition.value.stopIfLost(vcpu)
                nap()
                continue
            }
            partition.value.signals[vcpu].isActive.store(true, ordering: .sequentiallyConsistent)
            // The boot vCPU's core gives its order first and looks at isActive then: one of both sees the other.
            guard partition.value.order.load(ordering: .sequentiallyConsistent) != VCPUOrder.stop else { continue }
            // An INIT that has just come stays; the start-up IPI of a guest that has ended meanwhile is none of this guest.
            guard
                partition.value.signals[vcpu].startUp.compareExchange(
                    expected: signal, desired: 0, ordering: .sequentiallyConsistent
                ).exchanged
            else { continue }
            // An INIT takes NMIs that wait with it.
            partition.value.signals[vcpu].nmi.store(false, ordering: .relaxed)
            runOnce(startUp: UInt8(truncatingIfNeeded: signal))
            scrubCore()
        }
    }

    /// From a start-up IPI to the vCPU's end. A frame of its own on the stack: see `scrubCore`.
    @inline(never)
    private mutating func runOnce(startUp vector: UInt8) {
        prepareCore()
        context.cpu.reset(startUp: vector)
        if case .end(let cause) = runGuest() {
            partition.value.requestEnd(cause)
            LocalAPIC.kick(partition.value.platform.apicIDs[0])
        }
    }
}
