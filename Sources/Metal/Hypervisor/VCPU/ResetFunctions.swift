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
    /// One did not come back from its reset; only `takeBack` can make that good.
    case lost
}

extension VCPURunner {
    /// Whether the guest may start, if it is to. It does not before `due`, nor while the owner of a physical function
    /// resets it, nor with a function that is lost: its registers may be another's by now; nor while a core of the partition is
    /// lost.
    mutating func mayStart(_ starting: inout Bool, _ cause: StateCause) -> Bool {
        let page = partition.value.controlPage
        while true {
            // Where a core is lost, somebody may still reach for the functions.
            let isHeld = isClean && mustStandStill()
            guard starting else { return false }
            // What was lost may be back. What a function has written since memory was cleared goes.
            if !isHeld, !isClean || functionState == .lost {
                if takeBack(), functionState != .lost { continue }
                starting = false
                page.value.enter(.crashed, isClean ? .functionLost : .coreLost)
                return false
            }
            if page.value.state != .starting { page.value.enter(.starting, cause) }
            if isHeld || cpu_rdtsc() < due { return false }
            if functionState == .ready { return true }
            resetFunctions(keepsPhysical: true)
        }
    }

    /// Whether the partition has to stand still, while no vCPU runs and no function is reached for: then the virtual functions
    /// are to be reset again.
    @discardableResult
    mutating func mustStandStill() -> Bool {
        guard partition.value.controlPage.value.isHeld() else { return false }
        if functionState == .ready { functionState = .away }
        return true
    }

    /// Takes the functions out of the last guest's hands, before its memory is cleared: from here on none of them writes.
    /// - Parameter keepsPhysical: whether those on which virtual functions depend stay as they are.
    mutating func resetFunctions(keepsPhysical: Bool) {
        functionState = .ready
        guard let functions = partition.value.functions else { return }
        let page = partition.value.controlPage, ticks = UInt64(partition.value.platform.tscKHz)
        let waits = functions.value.hasDependents && !keepsPhysical
        // Who stands still has had them reset before, and a fault since. Who is asked to says so later, when none writes.
        if page.value.hold.isHeld {
            functionState = .away
        } else {
            functions.value.reset(virtual: true, keepsPhysical: keepsPhysical, ticksPerMillisecond: ticks)
        }
        if waits { stopDependents(ticks) }
        functions.value.reset(virtual: false, keepsPhysical: keepsPhysical, ticksPerMillisecond: ticks)
        let isHeld = functionState == .away
        if let lost = functions.value.restore(keepsVirtual: isHeld, ticksPerMillisecond: ticks) {
            tell(": a PCI function did not come back from its reset, requester id %x", UInt64(lost))
            functionState = .lost
        } else if !isHeld {
            functions.value.guest.reset(on: FunctionWindow(functions: functions))
        }
        if waits { page.value.endReset() }
        mustStandStill()
    }

    /// Waits up to five seconds until the guests stand still that have virtual functions of this partition's physical ones. It
    /// may have to stand still itself meanwhile: two may wait for each other.
    private mutating func stopDependents(_ ticksPerMillisecond: UInt64) {
        let page = partition.value.controlPage
        page.value.beginReset()
        let end = cpu_rdtsc() &+ 5000 &* ticksPerMillisecond
        while cpu_rdtsc() < end {
            if page.value.hold.isGranted {
                #if FAULT_INJECTION
                    while BootFault.losesCore(partition.value.spec.cores) { cpu_pause() }
                #endif
                return
            }
            // This core may be the one that goes between.
            core.value.housekeeping?.value.serve(core.value)
            mustStandStill()
            wait(1000, ticksPerMillisecond)
        }
        tell(": an owner of virtual functions does not stop; their physical function is reset all the same")
    }

    private func tell(_ what: StaticString, _ number: UInt64 = 0) {
        partition.value.controlPage.print(LogLine(partition: partition.value.spec.name, what, number))
    }
}
