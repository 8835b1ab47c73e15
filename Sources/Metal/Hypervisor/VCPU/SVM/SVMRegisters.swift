import X86

// The guest's registers as the exit handlers see them.
extension SVMCPU {
    var rax: UInt64 {
        @inline(__always) get { self[VMCB.rax] }
        @inline(__always) set { self[VMCB.rax] = newValue }
    }
    var rip: UInt64 {
        @inline(__always) get { self[VMCB.rip] }
        @inline(__always) set { self[VMCB.rip] = newValue }
    }
    var exitCode: UInt64 { @inline(__always) get { self[VMCB.exitCode] } }
    var clockLag: UInt64 {
        @inline(__always) get { 0 &- self[VMCB.tscOffset] }
        @inline(__always) nonmutating set { self[VMCB.tscOffset] = 0 &- newValue }
    }
    var cr4: UInt64 { @inline(__always) get { self[VMCB.cr4] } }
    var cr0: UInt64 {
        @inline(__always) get { self[VMCB.cr0] }
        set { self[VMCB.cr0] = newValue }
    }
    var privilegeLevel: Int {
        @inline(__always) get { Int(load(vmcb &+ UInt64(VMCB.privilegeLevel), as: UInt8.self)) }
    }
    var is64Bit: Bool {
        @inline(__always) get { self[VMCB.efer] & EFER.longModeActive != 0 && self[VMCB.cs] >> 25 & 1 != 0 }
    }
    /// The SVME bit that VMRUN demands is not the guest's to see.
    var efer: UInt64 {
        @inline(__always) get { self[VMCB.efer] & ~EFER.secureVirtualMachine }
        @inline(__always) set { self[VMCB.efer] = newValue | EFER.secureVirtualMachine }
    }
}
