import Control
import Manifest
import Platform
import Silicon
import Synchronization
import Text
import Watch
import X86

// A guest's kernel is found by the first system call of a program, which exits because EFER.SCE is withheld, and locked in the
// nested tables (APM volume 2, sections 6.1.1 and 15.25).
extension ExitContext {
    var isWatched: Bool { partition.value.spec.watch.response != .off }
    func isIn(_ phase: WatchPhase) -> Bool { partition.value.watch.phase.load(ordering: .acquiring) == phase.rawValue }

    /// EFER as the guest is to see it.
    var shownEFER: UInt64 {
        @inline(__always) get { cpu.efer | watch.hidden }
    }

    /// A write to EFER of a guest that is watched; false where it is refused.
    @inline(never)
    mutating func writeWatchedEFER(_ value: UInt64) -> Bool {
        let isLocked = cpu.guarding == .locked, lost = shownEFER & ~value & (EFER.noExecute | EFER.systemCall)
        if isLocked, lost != 0, !allows(.efer, value) { return false }
        let isOff = value & EFER.systemCall == 0 || !isIn(.waiting) && !isIn(.locked)
        cpu.guarding = isOff ? .off : isLocked ? .locked : .arming
        watch.hidden = cpu.guarding == .arming ? EFER.systemCall : 0
        cpu.efer = value & ~watch.hidden
        return true
    }

    /// Answers the #UD of a system call that was withheld, or of the return from one, which another vCPU may have taken; nil for any
    /// other.
    @inline(never)
    mutating func answerSystemCall() -> ExitOutcome? {
        guard cpu.guarding == .arming else { return nil }
        let isReturn = cpu.privilegeLevel == 0 && cpu.is64Bit, isWide = isReturn && byte(at: cpu.rip) == 0x48
        let at = cpu.rip &+ (isWide ? 1 : 0)
        guard isReturn || cpu.privilegeLevel == 3, byte(at: at) == 0x0F, byte(at: at &+ 1) == (isReturn ? 0x07 : 0x05)
        else { return nil }
        let state = partition
        state.value.takeLock(core.value.vcpu)
        if isIn(.waiting) { lockKernel() }
        state.value.releaseLock()
        if isIn(.waiting) {
            if isReturn { cpu.leaveSystemCall(to64Bit: isWide) } else { cpu.enterSystemCall() }
            return .resume
        }
        cpu.guarding = isIn(.locked) ? .locked : .off
        cpu.efer |= EFER.systemCall
        watch.hidden = 0
        let locked = state.value.watch.registers
        var now = cpu.guarded
        while isIn(.locked), let i = now.changed(since: locked, isOther: true), !allows(.register(i), now.words[i]) {
            now.restore(i, from: locked)
        }
        cpu.guarded = now
        return exchange(&watch.next, with: nil) ?? .resume
    }

    /// Of the guest's virtual memory; nil where nothing is mapped.
    private func byte(at virtual: UInt64) -> UInt8? {
        let page = PageTable<LongModeFormat>.walk(cpu.guarded.words[GuardedRegisters.cr3], virtual) { word($0) }
        return page.flatMap { unsafe partition.value.ram().bytes(at: $0.physical, count: 1)?[0] }
    }

    private func word(_ address: UInt64) -> UInt64? {
        // A walk through all of a kernel reads some thousands.
        openWindow()
        return unsafe partition.value.ram().bytes(at: address, count: 8)?.loadUnaligned(as: UInt64.self)
    }

    /// Comes to `locked`, to why it cannot be, or stays where it is while the kernel is not up.
    private mutating func lockKernel() {
        let state = partition, page = partition.value.controlPage
        var phase = WatchPhase.locked
        do throws(WatchPhase) { try findAndLock() } catch {
            state.value.watch.early += 1
            // Two exits each, and no guest has more before it is up.
            if error == .notReadOnly, state.value.watch.early < 40_000 { return }
            phase = error
        }
        state.value.watch.phase.store(phase.rawValue, ordering: .releasing)
        page.value.watch.store(UInt64(phase.rawValue), ordering: .relaxed)
        page.print(LogLine(partition: state.value.spec.name, ": the watch over its kernel: %d", UInt64(phase.rawValue)))
        if phase != .locked { _ = allows(.notLocked, UInt64(phase.rawValue)) }
        // Each vCPU looks at what protects it, and forgets the open tables.
        for vcpu in 0..<state.value.vcpuCount { page.value.protection[vcpu].store(0, ordering: .releasing) }
        state.value.kick(allBut: core.value.vcpu)
    }

    private mutating func findAndLock() throws(WatchPhase) {
        let state = partition, registers = cpu.guarded, file = state.value.sites
        guard let table = unsafe SiteTable(bytes(file.address, file.size)) else { throw .noTable }
        // In its other modes it would get the map of another.
        guard core.value.cpuid.apicMode == .x2APIC else { throw .otherKernel }
        let kernel = try KernelPlace(table, registers, lowMemory: state.value.guestMemory.lowSize, read: { word($0) })
        do throws(PageTableError) {
            for i in 0..<state.value.watched.tables {
                openWindow()
                try writingTables { () throws(PageTableError) in
                    var copy = try TableCopy<Extension.Nested>(
                        of: state.value.root(i), arena: state.value.watched.arena(i))
                    for part in 0..<3 { try copy.protect(kernel.parts[part]) }
                }
            }
        } catch { throw .outOfFrames }
        (state.value.watch.kernel, state.value.watch.registers) = (kernel, registers)
        state.value.setLocked(true)
        cpu.view(isLoading: false)
    }
}

extension PartitionContext {
    /// The nested tables, that of memory first.
    fileprivate func root(_ index: Int) -> UInt64 { index == 0 ? nested[0].memory : nested[index - 1].bus }

    /// Has all nested tables begin as the copies do that lock the kernel, or as they did before. An end in between is made good by the
    /// next call.
    mutating func setLocked(_ isLocked: Bool) {
        writingTables {
            for i in 0..<watched.tables where isLocked || watch.entries[i] != 0 {
                if isLocked { watch.entries[i] = load(root(i)) }
                store(isLocked ? load(watched.arena(i).base) : watch.entries[i], root(i))
            }
        }
    }
}
