import Silicon
import Watch
import X86

// What the watch asks of SVM.
extension SVMCPU {
    var cr3: UInt64 { self[VMCB.cr3] }

    private static let fields: [11 of Int] = [
        VMCB.cr0, VMCB.cr4, VMCB.idtr + 8, VMCB.gdtr + 8, VMCB.star, VMCB.star + 8, VMCB.star + 16, VMCB.star + 24,
        VMCB.sysenter, VMCB.sysenter + 8, VMCB.sysenter + 16,
    ]

    var guarded: GuardedRegisters {
        get {
            var registers = GuardedRegisters()
            for i in 0..<GuardedRegisters.count { registers.words[i] = self[Self.fields[i]] }
            return registers
        }
        set { for i in 0..<GuardedRegisters.count { self[Self.fields[i]] = newValue.words[i] } }
    }

    mutating func interceptUndefined(_ isOn: Bool) {
        exceptions = Vector.exiting | (isOn ? 1 << UInt32(Vector.invalidOpcode) : 0)
        store(exceptions, vmcb + UInt64(VMCB.interceptExceptions))
    }

    mutating func guardRegisters(_ isOn: Bool) {
        guardsRegisters = isOn
        applyGuard(isOn)
    }

    /// Sections 15.9 and 15.11: writes to CR4, those to CR0 that change more than TS and MP, LIDT, LGDT, and WRMSR.
    func applyGuard(_ isOn: Bool) {
        let bits = Intercept.guarded
        self[VMCB.intercepts] = self[VMCB.intercepts] & ~bits | (isOn ? bits : 0)
        store(isOn ? Intercept.writeCR4 : 0, vmcb + UInt64(VMCB.interceptControl))
        self[VMCB.msrpmBase] = isOn ? maps.msrsGuarded : maps.msrs
    }

    mutating func stepGuarded(root: UInt64?) {
        beginStep(.guarded)
        if let root { useNested(root) } else { applyGuard(false) }
    }

    /// SYSCALL in 64-bit mode (APM volume 3, SYSCALL).
    mutating func enterSystemCall() {
        let star = self[VMCB.star], flags = self[VMCB.rflags] & ~RFLAGS.resume
        registers.value.rcx = rip &+ 2
        registers.value.r11 = flags
        self[VMCB.rflags] = flags & ~self[VMCB.star + 24] | 2
        let selector = UInt16(truncatingIfNeeded: star >> 32)
        segment(.cs, selector: selector & 0xFFFC, SegmentAttributes.code64, limit: .max, base: 0)
        segment(.ss, selector: selector &+ 8, SegmentAttributes.data32, limit: .max, base: 0)
        store(UInt8(0), vmcb + UInt64(VMCB.privilegeLevel))
        rip = self[VMCB.star + 8]
        self[VMCB.interruptShadow] = 0
    }
}
