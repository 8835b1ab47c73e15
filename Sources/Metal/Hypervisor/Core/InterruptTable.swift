import Silicon
import X86

/// The interrupt descriptor table (AMD64 APM volume 2, section 8.3): one page that all cores share and none writes.
struct InterruptTable {
    let base: UInt64

    /// The table that the executing core uses now, with all of its entries.
    static var current: InterruptTable {
        var old: [2 of UInt64] = [0, 0]
        unsafe cpu_sidt(&old)
        return InterruptTable(base: old[0] >> 16 | old[1] << 48)
    }

    /// Takes over the exceptions, and leaves interrupts to the firmware while it runs.
    func takeExceptions() {
        let firmware = Self.current.base
        let code = UInt64(cpu_read_cs())
        for vector in UInt64(0)..<256 {
            store(load(firmware + vector * 16, as: UInt64.self), base + vector * 16)
            store(load(firmware + vector * 16 + 8, as: UInt64.self), base + vector * 16 + 8)
        }
        for vector in UInt64(0)..<32 { setGate(vector, selector: code) }
        activate()
    }

    /// Takes over everything; from here on the hypervisor's own code selector is loaded.
    func takeAll() {
        for vector in UInt64(0)..<256 { setGate(vector, selector: Descriptors.code) }
        setGate(UInt64(Vector.doubleFault), selector: Descriptors.code, stack: 1)
        activate()
    }

    /// Makes the executing core use this table.
    func activate() {
        // Limit and base, little endian, in the first ten bytes.
        var pointer: [2 of UInt64] = [4095 | base << 16, base >> 48]
        unsafe cpu_lidt(&pointer)
    }

    /// - Parameter stack: of the task state segment's interrupt stacks; 0: the one in use.
    private func setGate(_ vector: UInt64, selector: UInt64, stack: UInt64 = 0) {
        let target = exception_stub(UInt32(vector)), kind = 0x8E00 | stack
        store(target & 0xFFFF | selector << 16 | kind << 32 | (target >> 16 & 0xFFFF) << 48, base + vector * 16)
        store(target >> 32, base + vector * 16 + 8)
    }
}
