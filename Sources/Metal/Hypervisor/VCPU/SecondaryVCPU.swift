import Platform
import Silicon
import Synchronization

extension Lifecycle {
    /// Waits for start-up IPIs and runs the vCPU, again and again.
    mutating func follow(_ core: inout CoreState) -> Never {
        forget(&core)
        while true {
            partition.value.mail[core.vcpu].isActive.store(false, ordering: .sequentiallyConsistent)
            let mail = partition.value.mail[core.vcpu].startUp.load(ordering: .sequentiallyConsistent)
            guard mail & 0x100 != 0, partition.value.gate.load(ordering: .relaxed) == Gate.open else {
                rest(core)
                continue
            }
            partition.value.mail[core.vcpu].isActive.store(true, ordering: .sequentiallyConsistent)
            // The lead core closes the gate first and looks at isActive then: one of both sees the other.
            guard partition.value.gate.load(ordering: .sequentiallyConsistent) != Gate.closed else { continue }
            // An INIT that has just come stays.
            _ = partition.value.mail[core.vcpu].startUp.compareExchange(
                expected: mail, desired: 0, ordering: .sequentiallyConsistent)
            serve(&core, startUp: UInt8(truncatingIfNeeded: mail))
            forget(&core)
        }
    }

    /// One life of the vCPU. A frame of its own on the stack: see `forget`.
    @inline(never)
    private mutating func serve(_ core: inout CoreState, startUp vector: UInt8) {
        prepareCore(&core)
        cpu.reset(startUp: vector)
        run: while true {
            switch runGuest(&core) {
            case .resume: continue
            case .park: break run
            case .end(let cause):
                partition.value.condemn(cause)
                LocalAPIC.kick(partition.value.platform.apicIDs[0])
                break run
            }
        }
    }
}
