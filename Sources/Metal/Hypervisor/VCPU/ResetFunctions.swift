import Control
import Manifest
import Platform
import Silicon
import Text

/// What the boot vCPU's core knows of its partition's PCI functions.
enum FunctionState {
    /// Reset, and nobody else's business.
    case ready
    /// The physical function of a virtual one was, or is, reset by its owner: those that have no dependents are reset again.
    case away
    /// One did not come back from its reset.
    case lost
}

extension VCPURunner {
    /// Whether the guest may start. It does not while the owner of a physical function resets it, nor with a function that is
    /// lost: its registers may be another's by now; nor while a core of the partition is lost.
    mutating func mayStart(_ starting: inout Bool) -> Bool {
        while true {
            // Where a core is lost, somebody may still reach for the functions.
            if isClean, partition.value.controlPage.value.isHeld() {
                functionState = .away
                return false
            }
            guard starting else { return false }
            // The core that was lost may be back.
            guard isClean || takeBack() else {
                starting = false
                partition.value.controlPage.value.enter(.crashed, .coreLost)
                return false
            }
            if functionState == .ready { return true }
            resetFunctions(keepsPhysical: functionState == .away)
            guard functionState == .lost else { continue }
            starting = false
            partition.value.controlPage.value.enter(.crashed, .functionLost)
        }
    }

    /// Takes the functions out of the last guest's hands, before its memory is cleared: from here on none of them writes.
    /// - Parameter keepsPhysical: whether those on which virtual functions depend stay as they are.
    mutating func resetFunctions(keepsPhysical: Bool) {
        functionState = .ready
        guard let functions = partition.value.functions else { return }
        let page = partition.value.controlPage, ticks = UInt64(partition.value.platform.tscKHz)
        let waits = functions.value.hasDependents && !keepsPhysical
        let wasHeld = waits && stopDependents(ticks)
        if let lost = functions.value.reset(keepsPhysical: keepsPhysical, ticksPerMillisecond: ticks) {
            tell(": a PCI function did not come back from its reset, requester id %x", UInt64(lost))
            functionState = .lost
        }
        functions.value.guest.reset(on: FunctionWindow(functions: functions))
        if waits { page.value.endReset() }
        if page.value.isHeld() || wasHeld { functionState = .away }
    }

    /// Waits up to five seconds until the guests stand still that have virtual functions of this partition's physical ones.
    /// - Returns: whether this one had to stand still meanwhile: two may wait for each other.
    private mutating func stopDependents(_ ticksPerMillisecond: UInt64) -> Bool {
        let page = partition.value.controlPage
        var wasHeld = false
        page.value.beginReset()
        for _ in 0..<5000 {
            if page.value.hold.isGranted { return wasHeld }
            // This core may be the one that goes between.
            core.value.housekeeping?.value.serve(core.value)
            wasHeld = page.value.isHeld() || wasHeld
            wait(1000, ticksPerMillisecond)
        }
        tell(": an owner of virtual functions does not stop; their physical function is reset all the same")
        return wasHeld
    }

    private func tell(_ what: StaticString, _ number: UInt64 = 0) {
        partition.value.controlPage.print(LogLine(partition: partition.value.spec.name, what, number))
    }
}
