import Platform
import Silicon
import Synchronization
import Watch
import X86

// A write to a locked page runs by itself on pages that stand in for that page and its neighbour. What it has changed is compared
// then, and goes to the real pages where it is the kernel's own patching: they are never wrong meanwhile.
extension ExitContext {
    /// False where `address` is not guarded.
    mutating func beginGuardedWrite(_ address: UInt64) -> Bool {
        let state = partition
        guard cpu.isGuarded, state.value.watch.kernel.part(of: address) != nil else { return false }
        // Another vCPU has those pages for one instruction: this one tries again.
        let taken = state.value.watch.writer.compareExchange(expected: 0, desired: 1, ordering: .acquiring)
        guard taken.exchanged else { return true }
        (watch.pending, watch.address, watch.rip) = (.write, address, cpu.rip)
        let first = firstPage, root = state.value.watchWrite, cr0 = cpu_read_cr0()
        unsafe standIns.copyMemory(from: UnsafeRawBufferPointer(guardedPages))
        cpu_write_cr0(cr0 & ~CR0.writeProtect)
        defer { cpu_write_cr0(cr0) }
        do throws(PageTableError) {
            var copy = try TableCopy<Extension.Nested>(
                of: cpu.nested.watched, arena: WatchFrames.arena(at: root, WatchFrames.write))
            for at in stride(from: 0, to: UInt64(unsafe guardedPages.count), by: 4096) {
                try copy.replace(first + at, by: state.value.standIns + at)
            }
        } catch {}
        cpu.stepGuarded(root: root)
        return true
    }

    /// What was changed takes effect, or not.
    mutating func endGuardedWrite() {
        watch.pending = .none
        let first = firstPage, real = unsafe guardedPages, new = unsafe standIns
        // As far around the address of the fault as the widest store reaches, 64 bytes; of an instruction that writes more the rest
        // is dropped.
        let middle = Int(watch.address - first), end = min(middle + 64, unsafe real.count)
        var at = max(middle - 64, 0)
        while at < end, unsafe real[at] == new[at] { at += 1 }
        let rule = at < end ? unsafe rule(first, at..<end, real, new) : nil
        if let rule {
            let last = max(min(at, unsafe real.count - 8), 0)
            let old = unsafe real.loadUnaligned(fromByteOffset: last, as: UInt64.self)
            let wanted = unsafe new.loadUnaligned(fromByteOffset: last, as: UInt64.self)
            if !allows(rule, first + UInt64(at), old: old, new: wanted) { at = end }
        }
        while at < end {
            unsafe real[at] = new[at]
            at += 1
        }
        partition.value.watch.writer.store(0, ordering: .releasing)
    }

    /// The rule that a change in `range` of the pages breaks; nil where the kernel itself patches there.
    private func rule(
        _ first: UInt64, _ range: Range<Int>, _ real: UnsafeMutableRawBufferPointer,
        _ new: UnsafeMutableRawBufferPointer
    ) -> WatchRule? {
        let kernel = partition.value.watch.kernel, file = partition.value.sites
        switch kernel.part(of: first + UInt64(range.lowerBound)) {
        case .constants: return .constants
        case .interruptTable: return .interruptTable
        case .text, nil: break
        }
        // A site may begin before the pages, and end behind them: nothing changes there.
        func byte(_ offset: UInt64, isNew: Bool) -> UInt8 {
            let at = kernel.text &+ offset &- first
            if at < UInt64(unsafe real.count) { return unsafe (isNew ? new : real)[Int(at)] }
            return unsafe partition.value.guestMemory.bytes(at: kernel.text + offset, count: 1)?[0] ?? 0
        }
        let start = first &- kernel.text, end = start + UInt64(range.upperBound)
        guard end <= kernel.textSize, let table = unsafe SiteTable(bytes(file.address, file.size)),
            table.firstUnlawful(
                start + UInt64(range.lowerBound)..<end, old: { byte($0, isNew: false) }, new: { byte($0, isNew: true) })
                == nil
        else { return .text }
        return nil
    }

    /// The first of the pages in which a write around `watch.address` can end.
    private var firstPage: UInt64 {
        let page = watch.address & ~0xFFF, isFirst = watch.address - page >= 64
        return isFirst || partition.value.watch.kernel.part(of: page &- 4096) == nil ? page : page - 4096
    }
    /// Two of them, where the second is guarded too. They lie in the guest's memory: its kernel was found there.
    private var guardedPages: UnsafeMutableRawBufferPointer {
        let count = partition.value.watch.kernel.part(of: firstPage + 4096) == nil ? 4096 : 8192
        let pages = unsafe partition.value.guestMemory.bytes(at: firstPage, count: count)
        return unsafe pages ?? UnsafeMutableRawBufferPointer(start: nil, count: 0)
    }
    private var standIns: UnsafeMutableRawBufferPointer {
        let start = UnsafeMutableRawPointer(bitPattern: UInt(partition.value.standIns))
        return unsafe UnsafeMutableRawBufferPointer(start: start, count: 8192)
    }
}
