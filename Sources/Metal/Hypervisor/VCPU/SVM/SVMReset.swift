import Silicon
import X86

extension SVMCPU {
    /// A processor without state: all registers zero, every control as Bulkhead wants it.
    mutating func clear() {
        unsafe cpu_zero(UnsafeMutableRawPointer(bitPattern: UInt(vmcb)), 4096)
        registers.value = guest_registers()
        store(Intercept.wanted, vmcb + UInt64(VMCB.intercepts))
        store(Vector.exiting, vmcb + UInt64(VMCB.interceptExceptions))
        self[VMCB.iopmBase] = maps.ports
        showAPIC(true)
        // A fresh ASID whose old translations go away at the first entry (section 15.16.1).
        self[VMCB.asid] = UInt64(addressSpace) | 1 << 32
        self[VMCB.nestedPaging] = 1
        (step, hasPendingNMI) = (SingleStep(), false)
        view(isLoading: false)
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

    func showAPIC(_ isShown: Bool) { self[VMCB.msrpmBase] = isShown ? maps.msrs : maps.msrsWithoutAPIC }

    func segment(_ segment: Segment, selector: UInt16, _ attributes: UInt16, limit: UInt32, base: UInt64) {
        // GDTR and IDTR lie before LDTR and TR (table B-2).
        let index = segment.rawValue + (segment == .tr ? 2 : segment == .ldtr ? 1 : 0)
        let at = vmcb + UInt64(VMCB.es) + UInt64(index) * 16
        store(UInt64(selector) | UInt64(attributes) << 16 | UInt64(limit) << 32, at)
        store(base, at + 8)
    }
}
