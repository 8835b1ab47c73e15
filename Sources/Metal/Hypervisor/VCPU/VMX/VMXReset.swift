import Silicon
import X86

extension VMXCPU {
    /// A processor without state: all registers zero, every control as Bulkhead wants it.
    mutating func clear() {
        step = SingleStep()
        self[VMCSField.exceptionBitmap] = UInt64(Vector.exiting)
        hasPendingNMI = false
        closeNMIWindow()
        showAPIC(true)
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
        segment(.ldtr, selector: 0, SegmentAttributes.ldt, limit: 0xFFFF, base: 0)
        segment(.tr, selector: 0, SegmentAttributes.busyTSS, limit: 0xFFFF, base: 0)
        self[VMCSField.guestGDTRLimit] = 0xFFFF
        self[VMCSField.guestIDTRLimit] = 0xFFFF
        // What no control structure holds: guests find it in the processor itself.
        for msr in MSR.star...MSR.syscallMask { cpu_wrmsr(msr, 0) }
        cpu_wrmsr(MSR.kernelGSBase, 0)
        cpu_write_cr2(0)
        cpu_write_dr(0)
        cpu_write_dr6(0xFFFF_0FF0)
        // A fresh start for this address space's translations, in guests' tables and in ours (section 28.3.3).
        _ = vmx_invalidate_vpid(1, UInt64(means.addressSpace))
    }

    mutating func enterLongMode(_ root: UInt64) {
        self[VMCSField.guestCR3] = root
        self[VMCSField.guestCR4] |= CR4.physicalAddressExtension
        efer = EFER.longModeEnable | EFER.longModeActive | EFER.noExecute
        self[VMCSField.entryControls] |= 1 << 9
    }

    func showAPIC(_ isShown: Bool) { self[VMCSField.msrBitmap] = isShown ? maps.msrs : maps.msrsWithoutAPIC }

    /// `attributes` as SVM packs them; VMX has bits 11:8 at 15:12 (section 24.4.1).
    func segment(_ segment: Segment, selector: UInt16, _ attributes: UInt16, limit: UInt32, base: UInt64) {
        let offset = segment.rawValue * 2
        self[VMCSField.guestESSelector + offset] = UInt64(selector)
        self[VMCSField.guestESLimit + offset] = UInt64(limit)
        self[VMCSField.guestESAccessRights + offset] = UInt64(attributes & 0xFF | (attributes & 0xF00) << 4)
        self[VMCSField.guestESBase + offset] = base
    }
}
