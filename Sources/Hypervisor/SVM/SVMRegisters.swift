import X86

// The guest's registers as the exit handlers see them.
extension SVM {
    var rax: UInt64 {
        get { self[VMCB.rax] }
        set { self[VMCB.rax] = newValue }
    }
    var rip: UInt64 {
        get { self[VMCB.rip] }
        set { self[VMCB.rip] = newValue }
    }
    var clockLag: UInt64 {
        get { 0 &- self[VMCB.tscOffset] }
        nonmutating set { self[VMCB.tscOffset] = 0 &- newValue }
    }
    var cr4: UInt64 { self[VMCB.cr4] }
    var hasPaging: Bool { self[VMCB.cr0] & CR0.paging != 0 }
    /// The SVME bit that VMRUN demands is not the guest's to see.
    var efer: UInt64 {
        get { self[VMCB.efer] & ~EFER.secureVirtualMachine }
        set { self[VMCB.efer] = newValue | EFER.secureVirtualMachine }
    }
    var rbx: UInt64 {
        get { load(registers) }
        set { store(newValue, registers) }
    }
    var rcx: UInt64 {
        get { load(registers + 8) }
        set { store(newValue, registers + 8) }
    }
    var rdx: UInt64 {
        get { load(registers + 16) }
        set { store(newValue, registers + 16) }
    }
}
