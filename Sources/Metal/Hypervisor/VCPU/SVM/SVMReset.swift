import Silicon
import X86

extension SVMCPU {
    /// A processor without state: all registers zero, every control as Bulkhead wants it.
    mutating func clear() {
        unsafe cpu_zero(UnsafeMutableRawPointer(bitPattern: UInt(vmcb)), 4096)
        registers.value = guest_registers()
        (step, hasPendingNMI, guarding) = (SingleStep(), false, .off)
        view(isLoading: false)
        forEachControl { _, field, value, _ in self[field] = value }
        self[VMCB.gPAT] = 0x0007_0406_0007_0406
        efer = 0
        self[VMCB.rflags] = 2
        // So that a machine check exits. A guest that clears the bit shuts itself down by one (section 9.3.1), which exits too.
        self[VMCB.cr4] = MachineCheck.enableBit
        self[VMCB.dr6] = 0xFFFF_0FF0
        self[VMCB.dr7] = 0x400
        segment(.ldtr, selector: 0, SegmentAttributes.ldt, limit: 0xFFFF, base: 0)
        segment(.tr, selector: 0, SegmentAttributes.busyTSS, limit: 0xFFFF, base: 0)
        self[VMCB.gdtr] = 0xFFFF << 32
        self[VMCB.idtr] = 0xFFFF << 32
        cpu_write_cr2(0)
        cpu_write_dr(0)
    }

    mutating func enterLongMode(_ root: UInt64) {
        self[VMCB.cr3] = root
        self[VMCB.cr4] |= CR4.physicalAddressExtension
        efer = EFER.longModeEnable | EFER.longModeActive | EFER.noExecute
    }

    func check(_ report: inout ProtectionReport) { forEachControl { report.check($0, self[$1] | $3, is: $2 | $3) } }

    /// What protects others in the control block and stays as it is while guests come and go: its item, field and value, and
    /// the bits that handlers change.
    private func forEachControl(_ body: (ProtectionItem, Int, UInt64, UInt64) -> Void) {
        body(.exceptionIntercepts, VMCB.interceptExceptions, UInt64(Vector.exiting), ~UInt64(Vector.exiting))
        body(.intercepts, VMCB.intercepts, Intercept.wanted, Intercept.iret | Intercept.guarded)
        body(.permissionMaps, VMCB.iopmBase, maps.ports, 0)
        body(.permissionMaps, VMCB.msrpmBase, maps.msrs(now: self[VMCB.msrpmBase]), 0)
        // A fresh ASID whose old translations go away at the first entry (section 15.16.1).
        body(.addressSpace, VMCB.asid, UInt64(means.addressSpace) | 1 << 32, .max << 32)
        body(.nestedTables, VMCB.nestedPaging, 1, 0)
        body(.nestedTables, VMCB.nestedCR3, isLoading ? nested.loader : nested.memory, 0)
    }

    func showAPIC(_ isShown: Bool) { self[VMCB.msrpmBase] = isShown ? maps.msrs : maps.msrsWithoutAPIC }

    func segment(_ segment: Segment, selector: UInt16, _ attributes: UInt16, limit: UInt32, base: UInt64) {
        // GDTR and IDTR lie before LDTR and TR (table B-2).
        let index = segment.rawValue + (segment == .tr ? 2 : segment == .ldtr ? 1 : 0)
        let at = vmcb + UInt64(VMCB.es) + UInt64(index) * 16
        store(UInt64(selector) | UInt64(attributes) << 16 | UInt64(limit) << 32, at)
        store(base, at + 8)
    }
}
