import Silicon
import X86

// The parts of the control structure that stay as they are while guests come and go.
extension VMXCPU {
    func writeControls() {
        let zero: [14 of UInt32] = [
            VMCSField.pageFaultMask, VMCSField.pageFaultMatch, VMCSField.cr3TargetCount, VMCSField.exitMSRStoreCount,
            VMCSField.exitMSRLoadCount, VMCSField.entryMSRLoadCount, VMCSField.tscOffset, VMCSField.hostFSSelector,
            VMCSField.hostGSSelector, VMCSField.hostFSBase, VMCSField.hostGSBase, VMCSField.hostSysenterCS,
            VMCSField.hostSysenterESP, VMCSField.hostSysenterEIP,
        ]
        for i in zero.indices { self[zero[i]] = 0 }
        self[VMCSField.processorControls] = UInt64(controls.processor)
        self[VMCSField.secondaryControls] = UInt64(controls.secondary)
        self[VMCSField.exitControls] = UInt64(controls.exit)
        self[VMCSField.entryControls] = UInt64(controls.entry)
        self[VMCSField.ioBitmapA] = maps.ports
        self[VMCSField.ioBitmapB] = maps.ports + 4096
        showAPIC(true)
        self[VMCSField.vpid] = UInt64(addressSpace)
        self[VMCSField.eptPointer] = EPTPointer.make(root: nested.memory)
        self[VMCSField.vmcsLinkPointer] = .max
        self[VMCSField.cr0Mask] = VMX.ownedCR0
        self[VMCSField.cr4Mask] = VMX.ownedCR4
        stopTimer()
    }

    /// The hypervisor as it is now: what every exit comes back to. What is not here is 0 for ever.
    func writeHost() {
        self[VMCSField.hostCR0] = cpu_read_cr0()
        self[VMCSField.hostCR3] = cpu_read_cr3()
        self[VMCSField.hostCR4] = cpu_read_cr4()
        self[VMCSField.hostPAT] = cpu_rdmsr(MSR.pat)
        self[VMCSField.hostEFER] = cpu_rdmsr(MSR.efer)
        self[VMCSField.hostCSSelector] = Descriptors.code
        self[VMCSField.hostSSSelector] = Descriptors.data
        self[VMCSField.hostDSSelector] = Descriptors.data
        self[VMCSField.hostESSelector] = Descriptors.data
        self[VMCSField.hostTRSelector] = Descriptors.task
        self[VMCSField.hostTRBase] = Descriptors.current.taskState
        self[VMCSField.hostGDTRBase] = Descriptors.current.base
        self[VMCSField.hostIDTRBase] = InterruptTable.current.base
        self[VMCSField.hostRIP] = vmx_exit_address()
    }
}
