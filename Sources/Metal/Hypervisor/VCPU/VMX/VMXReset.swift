import Platform
import Silicon
import X86

// The guest's state at its start and after start-up IPIs.
extension VMXCPU {
    /// Segment registers in the order in which their fields lie (appendix B).
    private enum Segment: UInt32 {
        case es, cs, ss, ds, fs, gs, ldtr, tr
    }

    mutating func resetToLoader() {
        clear()
        view(isLoading: true)
        segment(.cs, selector: 0x10, SegmentAttributes.code32, limit: 0xFFFF_FFFF)
        setData(selector: 0x18, SegmentAttributes.data32, limit: 0xFFFF_FFFF)
        // Nobody loads this one anew: PVH wants it so.
        segment(.tr, selector: 0x20, SegmentAttributes.busyTSS, limit: 0x67)
        self[VMCSField.guestCR0] = CR0.numericError | CR0.extensionType | CR0.protectionEnable
        rip = LoaderMemory.program
    }

    mutating func reset(startUp vector: UInt8) {
        clear()
        segment(.cs, selector: UInt16(vector) << 8, SegmentAttributes.code16, limit: 0xFFFF, base: UInt64(vector) << 12)
        setData(selector: 0, SegmentAttributes.data16, limit: 0xFFFF)
        // INIT leaves caching disabled (table 9-1), which no guest relies on.
        self[VMCSField.guestCR0] = CR0.numericError | CR0.extensionType
    }

    /// A processor without state: all registers zero, every control as Bulkhead wants it.
    mutating func clear() {
        step = SingleStep()
        self[VMCSField.exceptionBitmap] = UInt64(Vector.exiting)
        hasPendingNMI = false
        closeNMIWindow()
        view(isLoading: false)
        let zero: [13 of UInt32] = [
            VMCSField.entryInterruptionInfo, VMCSField.cr4Shadow, VMCSField.guestCR3, VMCSField.guestRSP,
            VMCSField.guestDebugControl, VMCSField.guestSysenterCS, VMCSField.guestSysenterESP,
            VMCSField.guestSysenterEIP, VMCSField.guestInterruptibility, VMCSField.guestActivity,
            VMCSField.guestPendingDebug, VMCSField.guestGDTRBase, VMCSField.guestIDTRBase,
        ]
        for i in zero.indices { self[zero[i]] = 0 }
        registers.value = guest_registers()
        efer = 0
        self[VMCSField.entryControls] = UInt64(controls.entry)
        self[VMCSField.cr0Shadow] = CR0.numericError
        self[VMCSField.guestCR4] = CR4.vmxEnable | MachineCheck.enableBit
        rip = 0
        self[VMCSField.guestRFLAGS] = 2
        self[VMCSField.guestDR7] = 0x400
        self[VMCSField.guestPAT] = 0x0007_0406_0007_0406
        segment(.ldtr, selector: 0, SegmentAttributes.ldt, limit: 0xFFFF)
        segment(.tr, selector: 0, SegmentAttributes.busyTSS, limit: 0xFFFF)
        self[VMCSField.guestGDTRLimit] = 0xFFFF
        self[VMCSField.guestIDTRLimit] = 0xFFFF
        // What no control structure holds: guests find it in the processor itself.
        for msr in MSR.star...MSR.syscallMask { cpu_wrmsr(msr, 0) }
        cpu_wrmsr(MSR.kernelGSBase, 0)
        cpu_write_cr2(0)
        cpu_write_dr(0)
        cpu_write_dr6(0xFFFF_0FF0)
        // A fresh start for this address space's translations, in guests' tables and in ours (section 28.3.3).
        _ = vmx_invalidate_vpid(1, UInt64(addressSpace))
    }

    private func setData(selector: UInt16, _ attributes: UInt16, limit: UInt32) {
        let all: [5 of Segment] = [.ds, .es, .ss, .fs, .gs]
        for i in all.indices { segment(all[i], selector: selector, attributes, limit: limit) }
    }

    /// `attributes` as SVM packs them; VMX has bits 11:8 at 15:12 (section 24.4.1).
    private func segment(_ segment: Segment, selector: UInt16, _ attributes: UInt16, limit: UInt32, base: UInt64 = 0) {
        let offset = segment.rawValue * 2
        self[VMCSField.guestESSelector + offset] = UInt64(selector)
        self[VMCSField.guestESLimit + offset] = UInt64(limit)
        self[VMCSField.guestESAccessRights + offset] = UInt64(attributes & 0xFF | (attributes & 0xF00) << 4)
        self[VMCSField.guestESBase + offset] = base
    }
}
