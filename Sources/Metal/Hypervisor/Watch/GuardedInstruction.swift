import Silicon
import Watch
import X86

// An instruction that writes a guarded register runs by itself, unguarded; no decoder has to say what it does. What it has changed
// is put back before the next one, where it may not stay.
extension ExitContext {
    @inline(never)
    mutating func beginGuardedInstruction() -> ExitOutcome {
        watch.pending = .registers
        watch.rip = cpu.rip
        cpu.stepGuarded(root: nil)
        return .resume
    }

    private mutating func endGuardedInstruction() {
        watch.pending = .none
        let now = cpu.guarded
        if let rule = now.changed(since: watch.locked) {
            let index = Int(rule.rawValue - WatchRule.cr0.rawValue)
            if !allows(rule, now.words[index], old: watch.locked.words[index], new: now.words[index]) {
                cpu.guarded = watch.locked
                cpu.rip = watch.rip
                cpu.raise(Vector.generalProtection, error: 0)
                return
            }
        }
        watch.locked = now
    }

    /// What was stepped over because it is guarded is through, or will run again.
    @inline(never)
    mutating func endGuarded() -> ExitOutcome {
        if watch.pending == .write { endGuardedWrite() } else { endGuardedInstruction() }
        let next = watch.takeNext()
        if case .resume = next { return next }
        // The trap behind the step is not the guest's.
        cpu.step = SingleStep()
        return next
    }
}
