import Platform
import Silicon
import X86

// The guest's state at its start and after start-up IPIs.
extension SVMCPU {
    mutating func resetToLoader() {
        clear()
        isLoading = true
        self[VMCB.nestedCR3] = nested.loader
        segment(VMCB.cs, selector: 0x10, SegmentAttributes.code32, limit: 0xFFFF_FFFF, base: 0)
        setData(selector: 0x18, SegmentAttributes.data32, limit: 0xFFFF_FFFF)
        // Nobody loads this one anew: PVH wants it so.
        segment(VMCB.tr, selector: 0x20, SegmentAttributes.busyTSS, limit: 0x67, base: 0)
        self[VMCB.cr0] = CR0.extensionType | CR0.protectionEnable
        rip = LoaderMemory.program
    }

    mutating func reset(startUp vector: UInt8) {
        clear()
        segment(
            VMCB.cs, selector: UInt16(vector) << 8, SegmentAttributes.code16, limit: 0xFFFF, base: UInt64(vector) << 12)
        setData(selector: 0, SegmentAttributes.data16, limit: 0xFFFF)
        segment(VMCB.gdtr, selector: 0, 0, limit: 0xFFFF, base: 0)
        // INIT leaves caching disabled (section 14.1.3); with nested paging that would cost the guest its caches until it
        // clears the bits, and no guest relies on it.
        self[VMCB.cr0] = CR0.extensionType
    }

    /// A processor without state: all registers zero, every control as Bulkhead wants it.
    mutating func clear() {
        unsafe cpu_zero(UnsafeMutableRawPointer(bitPattern: UInt(vmcb)), 4096)
        registers.value = guest_registers()
        (step, nmi) = (SingleStep(), GuestNMI())
        isLoading = false
        forEachControl { _, field, value, _ in self[field] = value }
        self[VMCB.gPAT] = 0x0007_0406_0007_0406
        efer = 0
        self[VMCB.rflags] = 2
        // So that a machine check exits. A guest that clears the bit shuts itself down by one (section 9.3.1), which exits too.
        self[VMCB.cr4] = MachineCheck.enableBit
        self[VMCB.dr6] = 0xFFFF_0FF0
        self[VMCB.dr7] = 0x400
        segment(VMCB.ldtr, selector: 0, SegmentAttributes.ldt, limit: 0xFFFF, base: 0)
        segment(VMCB.tr, selector: 0, SegmentAttributes.busyTSS, limit: 0xFFFF, base: 0)
        segment(VMCB.idtr, selector: 0, 0, limit: 0xFFFF, base: 0)
        cpu_write_cr2(0)
        cpu_write_dr(0)
    }

    func check(_ report: inout ProtectionReport) { forEachControl { report.check($0, self[$1] | $3, is: $2 | $3) } }

    /// What protects others in the control block and stays as it is while guests come and go: its item, field and value, and
    /// the bits that handlers change.
    private func forEachControl(_ body: (ProtectionItem, Int, UInt64, UInt64) -> Void) {
        body(.exceptionIntercepts, VMCB.interceptExceptions, UInt64(Vector.exiting), ~UInt64(Vector.exiting))
        body(.intercepts, VMCB.intercepts, Intercept.wanted, Intercept.iret)
        body(.permissionMaps, VMCB.iopmBase, maps.ports, 0)
        body(.permissionMaps, VMCB.msrpmBase, maps.msrs, 0)
        // A fresh ASID whose old translations go away at the first entry (section 15.16.1).
        body(.addressSpace, VMCB.asid, UInt64(addressSpace) | 1 << 32, .max << 32)
        body(.nestedTables, VMCB.nestedPaging, 1, 0)
        body(.nestedTables, VMCB.nestedCR3, isLoading ? nested.loader : nested.memory, 0)
    }

    private func setData(selector: UInt16, _ attributes: UInt16, limit: UInt32) {
        let all: [5 of Int] = [VMCB.ds, VMCB.es, VMCB.ss, VMCB.fs, VMCB.gs]
        for i in all.indices { segment(all[i], selector: selector, attributes, limit: limit, base: 0) }
    }

    private func segment(_ field: Int, selector: UInt16, _ attributes: UInt16, limit: UInt32, base: UInt64) {
        let at = vmcb + UInt64(field)
        store(UInt64(selector) | UInt64(attributes) << 16 | UInt64(limit) << 32, at)
        store(base, at + 8)
    }
}
