import Platform
import Silicon
import Synchronization
import Watch
import X86

// A write to a locked page runs by itself on pages that stand in for that page and its neighbour. What it has changed is compared
// then, and goes to the real pages where it is the kernel's own patching: they are never wrong meanwhile.
extension ExitContext {
    /// How far around the address of a fault its instruction may have written what is kept: 64 bytes, the widest store.
    private static var reach: UInt64 { 64 }

    /// False where `address` is not guarded.
    mutating func beginGuardedWrite(_ address: UInt64) -> Bool {
        let state = partition
        guard cpu.isGuarded, state.value.watch.kernel.part(of: address) != nil else { return false }
        // Another vCPU has those pages for one instruction: this one tries again.
        guard
            state.value.watch.writer.compareExchange(
                expected: 0, desired: core.value.vcpu + 1, ordering: .acquiring
            ).exchanged
        else { return true }
        watch.pending = .write
        (watch.address, watch.rip) = (address, cpu.rip)
        let cr0 = cpu_read_cr0()
        cpu_write_cr0(cr0 & ~CR0.writeProtect)
        defer { cpu_write_cr0(cr0) }
        let root = state.value.watchWrite
        do throws(PageTableError) {
            var copy = try TableCopy<Extension.Nested>(
                of: cpu.nested.watched, arena: WatchFrames.arena(at: root, WatchFrames.write))
            for i in 0..<WatchFrames.standIns {
                guard let page = page(i) else { continue }
                unsafe standIn(i).copyMemory(from: UnsafeRawBufferPointer(page))
                try copy.replace(firstPage + UInt64(i) * 4096, by: state.value.standIns + UInt64(i) * 4096)
            }
        } catch {}
        cpu.stepGuarded(root: root)
        return true
    }

    /// What was changed takes effect, or not.
    mutating func endGuardedWrite() {
        let state = partition
        watch.pending = .none
        let first = firstPage, pages = (page(0), page(1)), standIns = unsafe (standIn(0), standIn(1))
        // Offsets from the first page.
        let middle = watch.address - first, low = middle < Self.reach ? 0 : middle - Self.reach
        let high = min(middle + Self.reach, 8192)
        func byte(_ at: UInt64, isNew: Bool) -> UInt8 {
            guard let page = at < 4096 ? pages.0 : pages.1 else { return 0 }
            return unsafe (isNew ? (at < 4096 ? standIns.0 : standIns.1) : page)[Int(at & 4095)]
        }
        var at = low
        while at < high, byte(at, isNew: false) == byte(at, isNew: true) { at += 1 }
        if at < high, let rule = rule(first + at, low..<high, byte) {
            let old = word(at, high, false, byte), new = word(at, high, true, byte)
            if !allows(rule, first + at, old: old, new: new) { at = high }
        }
        while at < high {
            let page = at < 4096 ? pages.0 : pages.1
            unsafe page?[Int(at & 4095)] = byte(at, isNew: true)
            at += 1
        }
        state.value.watch.writer.store(0, ordering: .releasing)
    }

    /// The rule that a change breaks; nil where the kernel itself patches there.
    private func rule(
        _ address: UInt64, _ range: Range<UInt64>, _ byte: (UInt64, Bool) -> UInt8
    ) -> WatchRule? {
        let kernel = partition.value.watch.kernel, file = partition.value.sites
        switch kernel.part(of: address) {
        case .constants: return .constants
        case .interruptTable: return .interruptTable
        case .text, nil: break
        }
        guard let table = unsafe SiteTable(bytes(file.address, file.size)) else { return .text }
        let start = firstPage &- kernel.text
        // A site may begin before the pages, and end behind them: there nothing changes.
        func text(_ offset: UInt64, isNew: Bool) -> UInt8 {
            let at = offset &- start
            if at < 8192, kernel.part(of: firstPage + at) != nil { return byte(at, isNew) }
            let all = unsafe partition.value.guestMemory.bytes(at: kernel.text + offset, count: 1)
            return unsafe all?[0] ?? 0
        }
        let last = min(start &+ range.upperBound, kernel.textSize), from = start &+ range.lowerBound
        let unlawful = table.firstUnlawful(
            (from > last ? 0 : from)..<last, old: { text($0, isNew: false) }, new: { text($0, isNew: true) })
        return unlawful == nil ? nil : .text
    }

    private func word(_ at: UInt64, _ end: UInt64, _ isNew: Bool, _ byte: (UInt64, Bool) -> UInt8) -> UInt64 {
        var value: UInt64 = 0
        for i in 0..<min(8, end - at) { value |= UInt64(byte(at + i, isNew)) << (i * 8) }
        return value
    }

    /// The first of two pages in which a write around `watch.address` can end.
    private var firstPage: UInt64 {
        let page = watch.address & ~0xFFF
        return watch.address - page < Self.reach && page > 0 ? page - 4096 : page
    }
    /// Of the two, nil where it is not guarded.
    private func page(_ index: Int) -> UnsafeMutableRawBufferPointer? {
        let address = firstPage + UInt64(index) * 4096
        guard partition.value.watch.kernel.part(of: address) != nil else { return nil }
        return unsafe partition.value.guestMemory.bytes(at: address, count: 4096)
    }
    private func standIn(_ index: Int) -> UnsafeMutableRawBufferPointer {
        let address = partition.value.standIns + UInt64(index) * 4096
        return unsafe UnsafeMutableRawBufferPointer(
            start: UnsafeMutableRawPointer(bitPattern: UInt(address)), count: 4096)
    }
}
