import Watch
import X86

// The watch is not there on Intel's processors yet: a manifest that asks for it is refused (`requireWatch`).
extension VMXCPU {
    var cr3: UInt64 { self[VMCSField.guestCR3] }
    var isGuarded: Bool {
        get { false }
        set {}
    }
    var guarded: GuardedRegisters {
        get { GuardedRegisters() }
        set {}
    }
    mutating func interceptUndefined(_ isOn: Bool) {}
    mutating func guardRegisters(_ isOn: Bool) {}
    mutating func stepGuarded(root: UInt64?) {}
    mutating func enterSystemCall() {}
}
