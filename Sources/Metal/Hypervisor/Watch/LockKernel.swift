import Control
import Manifest
import Platform
import Silicon
import Synchronization
import Text
import Watch
import X86

// A guest's kernel is found by the first system call of a program, which exits because EFER.SCE is withheld, and locked in nested
// tables of its own (APM volume 2, sections 6.1.1 and 15.25; SDM volume 3, section 28.3).
extension ExitContext {
    var isWatched: Bool { partition.value.spec.watch.response != .off }

    /// A write to EFER of a guest that is watched; false where it is refused.
    @inline(never)
    mutating func writeWatchedEFER(_ value: UInt64) -> Bool {
        watch.rip = cpu.rip
        let isWaiting =
            !watch.isLocked && partition.value.watch.phase.load(ordering: .relaxed) != WatchPhase.refused.rawValue
        let lost = shownEFER & ~value & (EFER.noExecute | EFER.systemCall)
        if watch.isLocked, lost != 0, !allows(.efer, value) { return false }
        watch.withholds = isWaiting && value & EFER.systemCall != 0
        cpu.efer = watch.withholds ? value & ~EFER.systemCall : value
        cpu.interceptUndefined(watch.withholds)
        return true
    }

    /// EFER as the guest is to see it.
    var shownEFER: UInt64 {
        @inline(__always) get { cpu.efer | (watch.withholds ? EFER.systemCall : 0) }
    }

    /// Answers the #UD of a system call that was withheld; nil for any other.
    @inline(never)
    mutating func answerSystemCall() -> ExitOutcome? {
        guard watch.withholds, cpu.privilegeLevel == 3, cpu.is64Bit, byte(at: cpu.rip) == 0x0F,
            byte(at: cpu.rip &+ 1) == 0x05
        else { return nil }
        let state = partition
        watch.rip = cpu.rip
        state.value.takeLock(core.value.vcpu)
        if state.value.watch.phase.load(ordering: .relaxed) == WatchPhase.waiting.rawValue { lockKernel() }
        state.value.releaseLock()
        switch WatchPhase(rawValue: state.value.watch.phase.load(ordering: .acquiring)) {
        case .waiting:
            cpu.enterSystemCall()
            return .resume
        case .locked:
            adoptLock()
            watch.isLocked = true
            watch.locked = cpu.guarded
            cpu.guardRegisters(true)
            if let rule = watch.locked.changed(since: state.value.watch.registers, isOther: true) {
                _ = allows(rule, watch.locked.words[GuardedRegisters.entry])
            }
        default: break
        }
        watch.withholds = false
        cpu.efer = cpu.efer | EFER.systemCall
        cpu.interceptUndefined(false)
        return watch.takeNext()
    }

    /// Of the guest's virtual memory; nil where nothing is mapped.
    private func byte(at virtual: UInt64) -> UInt8? {
        guard let page = GuestPage(virtual, cr3: cpu.cr3, read: { word($0) }) else { return nil }
        return unsafe partition.value.guestMemory.bytes(at: page.physical, count: 1)?[0]
    }

    private func word(_ address: UInt64) -> UInt64? {
        unsafe partition.value.guestMemory.bytes(at: address, count: 8)?.loadUnaligned(as: UInt64.self)
    }

    /// The vCPU sees the locked tables from its next entry on.
    mutating func adoptLock() {
        guard partition.value.watch.phase.load(ordering: .acquiring) == WatchPhase.locked.rawValue, !cpu.isGuarded
        else { return }
        cpu.isGuarded = true
        cpu.view(isLoading: false)
    }

    /// Comes to `locked`, to `refused`, or stays where it is while the kernel is not up.
    private mutating func lockKernel() {
        let state = partition
        do throws(LockObstacle) {
            try findAndLock()
            enter(.locked)
            let text = state.value.watch.kernel.text
            say(": its kernel is locked, at %x", text)
            state.value.kick(allBut: core.value.vcpu)
        } catch {
            state.value.watch.early += 1
            if error == .notReadOnly, state.value.watch.early < WatchState.maxEarly { return }
            enter(.refused, error)
            say(": its kernel is not locked, reason %d", UInt64(error.rawValue))
            _ = allows(.notLocked, UInt64(error.rawValue))
        }
    }

    private func say(_ words: StaticString, _ number: UInt64) {
        partition.value.controlPage.print(LogLine(partition: partition.value.spec.name, words, number))
    }

    private func enter(_ phase: WatchPhase, _ obstacle: LockObstacle? = nil) {
        partition.value.watch.phase.store(phase.rawValue, ordering: .releasing)
        partition.value.controlPage.value.showWatch(phase, obstacle?.rawValue ?? 0)
    }

    private mutating func findAndLock() throws(LockObstacle) {
        let state = partition, registers = cpu.guarded
        let file = state.value.sites
        guard let table = unsafe SiteTable(bytes(file.address, file.size)) else { throw .table }
        let kernel = try KernelPlace(
            table, entry: registers.words[GuardedRegisters.entry],
            interruptTable: registers.words[GuardedRegisters.interruptTable], cr3: cpu.cr3,
            lowMemory: state.value.guestMemory.lowSize, read: { word($0) })
        state.value.watch.kernel = kernel
        state.value.watch.registers = registers
        // These tables are mapped read-only, as all are that no core has to write.
        let cr0 = cpu_read_cr0()
        cpu_write_cr0(cr0 & ~CR0.writeProtect)
        defer { cpu_write_cr0(cr0) }
        do throws(PageTableError) {
            try lock(cpu.nested.memory, kernel, at: cpu.nested.watched)
            for vcpu in 0..<state.value.busCount {
                try lock(state.value.nested[vcpu].bus, kernel, at: state.value.nested[vcpu].watchedBus)
            }
        } catch { throw .outOfFrames }
    }

    private func lock(_ root: UInt64, _ kernel: KernelPlace, at frames: UInt64) throws(PageTableError) {
        var copy = try TableCopy<Extension.Nested>(of: root, arena: WatchFrames.arena(at: frames, WatchFrames.table))
        try copy.protect(kernel.text, size: kernel.textSize)
        try copy.protect(kernel.constants, size: kernel.constantsSize)
        try copy.protect(kernel.interruptTable, size: FrameArena.frameSize)
    }
}
