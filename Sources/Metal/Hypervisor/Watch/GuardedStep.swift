import Control
import Manifest
import Platform
import Records
import Silicon
import Synchronization
import Text
import Watch
import X86

// An instruction that writes what is guarded runs by itself; no decoder has to say what it does. Registers are unguarded meanwhile, and
// what has changed in them is put back before the next one, where it may not stay. For locked memory there are pages that stand in for
// the one that is written and its neighbour. What has changed there is compared, and goes to the real pages where it is the kernel's
// own patching: they are never wrong meanwhile.
extension ExitContext {
    @inline(never)
    mutating func beginGuardedInstruction() -> ExitOutcome {
        (watch.pending, watch.rip, watch.registers) = (false, cpu.rip, cpu.guarded)
        return cpu.stepGuarded(root: nil) ? .resume : violation("a guarded instruction within an event", 0)
    }

    /// Answers a write to `address`; nil where that is not guarded.
    @inline(never)
    mutating func beginGuardedWrite(_ address: UInt64) -> ExitOutcome? {
        let state = partition, frames = partition.value.watched
        guard state.value.watch.kernel.rule(of: address) != nil else { return nil }
        if state.value.watch.isWriting.exchange(true, ordering: .acquiring) {
            // Another vCPU has those pages for one instruction: this one tries again. Where that is the delivery of an event it never
            // comes to an instruction, before which SVM would look for NMIs.
            cpu.takeHostInterrupt()
            return .handleKick
        }
        (watch.pending, watch.address, watch.rip) = (true, address, cpu.rip)
        let pages = pages, base = state.value.memory.base
        do throws(PageTableError) {
            let root = try writingTables { () throws(PageTableError) in
                var copy = try TableCopy<Extension.Nested>(of: cpu.nested.memory, arena: frames.arena(frames.tables))
                try copy.protect(pages, standIns: frames.standIns)
                return copy.root
            }
            let size = UInt64(pages.count), real = base + pages.lowerBound
            for at in stride(from: 0, to: size, by: 8) { store(load(real + at, as: UInt64.self), frames.standIns + at) }
            // The delivery of an event would save the step's flags and go on in its handler, where those pages may be written.
            if cpu.stepGuarded(root: root) { return .resume }
        } catch {}
        return violation("an event's frame in its locked kernel, at %x", address)
    }

    /// What was stepped over because it is guarded is through, or will run again. Gives what has to follow, if anything has.
    @inline(never)
    mutating func endGuarded() -> ExitOutcome? {
        let now = cpu.guarded, old = watch.registers
        if exchange(&watch.pending, with: nil) == true {
            endGuardedWrite()
        } else if let i = now.changed(since: old),
            !allows(.register(i), now.words[i], old: old.words[i], new: now.words[i])
        {
            (cpu.guarded, cpu.rip) = (old, watch.rip)
            cpu.raise(Vector.generalProtection, error: 0)
            cpu.step = SingleStep()
            return exchange(&watch.next, with: nil) ?? .resume
        }
        // The trap behind the step is not the guest's.
        if watch.next != nil { cpu.step = SingleStep() }
        return exchange(&watch.next, with: nil)
    }

    private mutating func endGuardedWrite() {
        let state = partition, kernel = state.value.watch.kernel, pages = pages, size = UInt64(pages.count)
        let old = state.value.memory.base + pages.lowerBound, new = state.value.watched.standIns
        // As far around the address of the fault as the widest store reaches, 64 bytes; of an instruction that writes more the rest
        // is dropped.
        let middle = watch.address - pages.lowerBound, end = min(middle + 64, size)
        var at = middle - min(middle, 64)
        while at < end, load(old + at, as: UInt8.self) == load(new + at, as: UInt8.self) { at += 1 }
        if at < end {
            let isPatch = unsafe SiteTable(bytes(state.value.sites.address, state.value.sites.size))?.allows(
                Int(at)..<Int(end), of: bytes(new, size), insteadOf: bytes(old, size),
                at: pages.lowerBound &- kernel.parts[0].lowerBound)
            let last = min(at, size - 8), address = pages.lowerBound + at, rule = kernel.rule(of: address) ?? .text
            if isPatch != true, !allows(rule, address, old: load(old + last), new: load(new + last)) { at = end }
        }
        for at in at..<end { store(load(new + at, as: UInt8.self), old + at) }
        state.value.watch.isWriting.store(false, ordering: .releasing)
    }

    /// Where a write around `watch.address` can end: one guarded page, or two. They lie in low memory, where the kernel was found.
    private var pages: Range<UInt64> {
        let kernel = partition.value.watch.kernel, page = watch.address & ~0xFFF
        let first = watch.address - page >= 64 || kernel.rule(of: page &- 4096) == nil ? page : page - 4096
        return first..<first + (kernel.rule(of: first + 4096) == nil ? 4096 : 8192)
    }

    /// Whether what breaks a rule takes place all the same. It is told; what has to follow is in `watch.next`.
    /// - Parameter address: guest-physical, or a register's new value.
    @inline(never)
    mutating func allows(_ rule: WatchRule, _ address: UInt64, old: UInt64 = 0, new: UInt64 = 0) -> Bool {
        let state = partition, page = partition.value.controlPage, vcpu = core.value.vcpu
        let ticks = cpu_rdtsc() &- page.value.latestEntry.load(ordering: .relaxed)
        let seconds = ticks / (UInt64(state.value.platform.tscKHz) * 1000)
        let response = state.value.spec.watch.response(to: rule, after: seconds)
        let code = UInt64(rule.rawValue) | UInt64(response.rawValue) << 8
        let rip = cpu.step.hasTrapped ? watch.rip : cpu.rip
        let count = page.value.watch.wrappingAdd(1 << 32, ordering: .relaxed).newValue >> 32
        // Many are told one by one as long as they are few.
        if count <= 16 || count & (count - 1) == 0 {
            page.value.recordFault(.attack, vcpu: vcpu, code: code, address: address)
            var line = LogLine(partition: state.value.spec.name, ": an attack on its kernel, rule %d", code & 0xFF)
            line.write(", response %d, %x at %x", UInt64(response.rawValue), address, rip)
            page.print(line)
        }
        if response == .report { return true }
        state.value.isSecretWithheld = true
        if response == .refuse { return false }
        core.value.recordCrash(.attack, vector: UInt64(rule.rawValue), detail: address, breach: (rip, old, new))
        watch.next = response == .freeze ? .handleKick : .end(.attack)
        if response == .freeze {
            // The boot vCPU's core says so and stops the others; an order that is there already stays.
            _ = state.value.order.compareExchange(
                expected: VCPUOrder.run, desired: VCPUOrder.pause, ordering: .sequentiallyConsistent)
            LocalAPIC.kick(state.value.platform.apicIDs[0])
        }
        return false
    }
}
