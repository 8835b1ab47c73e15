import Silicon
import X86

// The parts of the control structure that stay as they are while guests come and go.
extension VMXCPU {
    func writeControls() {
        forEachControl { _, field, value, _ in self[field] = value }
        self[VMCSField.tscOffset] = 0
        stopTimer()
    }

    func check(_ report: inout ProtectionReport) { forEachControl { report.check($0, self[$1] | $3, is: $2 | $3) } }

    /// What protects others: its item, field and value, and the bits that handlers change.
    private func forEachControl(_ body: (ProtectionItem, UInt32, UInt64, UInt64) -> Void) {
        let zero: [13 of UInt32] = [
            VMCSField.pageFaultMask, VMCSField.pageFaultMatch, VMCSField.cr3TargetCount, VMCSField.exitMSRStoreCount,
            VMCSField.exitMSRLoadCount, VMCSField.entryMSRLoadCount, VMCSField.hostFSSelector, VMCSField.hostGSSelector,
            VMCSField.hostFSBase, VMCSField.hostGSBase, VMCSField.hostSysenterCS, VMCSField.hostSysenterESP,
            VMCSField.hostSysenterEIP,
        ]
        for i in zero.indices { body(.exitState, zero[i], 0, 0) }
        body(.intercepts, VMCSField.pinControls, UInt64(controls.pin), UInt64(PinControl.preemptionTimer))
        let window = UInt64(ProcessorControl.nmiWindowExiting)
        body(.intercepts, VMCSField.processorControls, UInt64(controls.processor), window)
        body(.intercepts, VMCSField.secondaryControls, UInt64(controls.secondary), 0)
        body(.exceptionIntercepts, VMCSField.exceptionBitmap, UInt64(Vector.exiting), ~UInt64(Vector.exiting))
        body(.exitState, VMCSField.exitControls, UInt64(controls.exit), 0)
        // The guest's mode is in bit 9 (section 24.8.1).
        body(.exitState, VMCSField.entryControls, UInt64(controls.entry), 1 << 9)
        body(.permissionMaps, VMCSField.ioBitmapA, maps.ports, 0)
        body(.permissionMaps, VMCSField.ioBitmapB, maps.ports + 4096, 0)
        body(.permissionMaps, VMCSField.msrBitmap, maps.msrs(now: self[VMCSField.msrBitmap]), 0)
        body(.addressSpace, VMCSField.vpid, UInt64(means.addressSpace), 0)
        body(.nestedTables, VMCSField.eptPointer, EPTFormat.pointer(root: isLoading ? nested.loader : nested.memory), 0)
        body(.nestedTables, VMCSField.vmcsLinkPointer, .max, 0)
        body(.ownedBits, VMCSField.cr0Mask, VMX.ownedCR0, 0)
        body(.ownedBits, VMCSField.cr4Mask, VMX.ownedCR4, 0)
        // The hypervisor as it is now: what every exit comes back to.
        body(.exitState, VMCSField.hostCR0, cpu_read_cr0(), 0)
        body(.exitState, VMCSField.hostCR3, cpu_read_cr3(), 0)
        body(.exitState, VMCSField.hostCR4, cpu_read_cr4(), 0)
        body(.exitState, VMCSField.hostPAT, cpu_rdmsr(MSR.pat), 0)
        body(.exitState, VMCSField.hostEFER, cpu_rdmsr(MSR.efer), 0)
        body(.exitState, VMCSField.hostCSSelector, Descriptors.code, 0)
        body(.exitState, VMCSField.hostSSSelector, Descriptors.data, 0)
        body(.exitState, VMCSField.hostDSSelector, Descriptors.data, 0)
        body(.exitState, VMCSField.hostESSelector, Descriptors.data, 0)
        body(.exitState, VMCSField.hostTRSelector, Descriptors.task, 0)
        body(.exitState, VMCSField.hostTRBase, Descriptors.current.taskState, 0)
        body(.exitState, VMCSField.hostGDTRBase, Descriptors.current.base, 0)
        body(.exitState, VMCSField.hostIDTRBase, InterruptTable.current.base, 0)
        body(.exitState, VMCSField.hostRIP, vmx_exit_address(), 0)
    }
}
