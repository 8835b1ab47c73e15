import Silicon
import Watch
import X86

// What the watch asks of SVM.
extension SVMCPU {
    private static let fields: [12 of Int] = [
        VMCB.cr0, VMCB.cr4, VMCB.idtr + 8, VMCB.gdtr + 8, VMCB.star, VMCB.star + 8, VMCB.star + 16, VMCB.star + 24,
        VMCB.sysenter, VMCB.sysenter + 8, VMCB.sysenter + 16, VMCB.cr3,
    ]

    var guarded: GuardedRegisters {
        get {
            var registers = GuardedRegisters()
            for i in 0..<12 { registers.words[i] = self[Self.fields[i]] }
            return registers
        }
        set { for i in 0..<11 { self[Self.fields[i]] = newValue.words[i] } }
    }

    /// Sections 15.9 and 15.11: writes to CR4, those to CR0 that change more than TS and MP, LIDT, LGDT, and WRMSR.
    func guardRegisters(_ isOn: Bool) {
        let exceptions = Vector.exiting | (guarding == .arming ? 1 << UInt32(Vector.invalidOpcode) : 0)
        store(exceptions, vmcb + UInt64(VMCB.interceptExceptions))
        self[VMCB.intercepts] = self[VMCB.intercepts] & ~Intercept.guarded | (isOn ? Intercept.guarded : 0)
        store(isOn ? Intercept.writeCR4 : 0, vmcb + UInt64(VMCB.interceptControl))
        if isOn || self[VMCB.msrpmBase] == maps.msrsGuarded {
            self[VMCB.msrpmBase] = isOn ? maps.msrsGuarded : maps.msrs
        }
    }

    mutating func stepGuarded(root: UInt64?) -> Bool {
        if self[VMCB.exitInterruptInfo] & 1 << 31 != 0 { return false }
        beginStep(.guarded)
        // Another vCPU may have put another instruction there meanwhile. What would go on in a handler without the trap exits: INT n and
        // INT3, INTO, SYSCALL by its #UD; and HLT, which would wait.
        if let root { useNested(root) } else { guardRegisters(false) }
        store(Vector.exitingInStep | 1 << 3 | 1 << 4, vmcb + UInt64(VMCB.interceptExceptions))
        self[VMCB.intercepts] |= Intercept.halt | Intercept.softwareInterrupt
        efer &= ~EFER.systemCall
        return true
    }

    /// SYSRET to 64-bit or compatibility mode (APM volume 3, SYSRET).
    mutating func leaveSystemCall(to64Bit isWide: Bool) {
        let base = UInt16(truncatingIfNeeded: self[VMCB.star] >> 48), user: UInt16 = 3 << 5
        let code = isWide ? SegmentAttributes.code64 : SegmentAttributes.code32
        self[VMCB.rflags] = registers.value.r11 & 0x3C_7FD7 | 2
        rip = registers.value.rcx & (isWide ? .max : 0xFFFF_FFFF)
        segment(.cs, selector: base &+ (isWide ? 16 : 0) | 3, code | user, limit: .max, base: 0)
        segment(.ss, selector: base &+ 8 | 3, SegmentAttributes.data32 | user, limit: .max, base: 0)
        store(UInt8(3), vmcb + UInt64(VMCB.privilegeLevel))
        self[VMCB.interruptShadow] = 0
    }

    /// SYSCALL in long mode, by LSTAR or, from compatibility mode, by CSTAR (APM volume 3, SYSCALL).
    mutating func enterSystemCall() {
        let star = self[VMCB.star], flags = self[VMCB.rflags] & ~RFLAGS.resume
        let entry = self[VMCB.star + (is64Bit ? 8 : 16)]
        registers.value.rcx = rip &+ 2
        registers.value.r11 = flags
        self[VMCB.rflags] = flags & ~self[VMCB.star + 24] | 2
        let selector = UInt16(truncatingIfNeeded: star >> 32)
        segment(.cs, selector: selector & 0xFFFC, SegmentAttributes.code64, limit: .max, base: 0)
        segment(.ss, selector: selector &+ 8, SegmentAttributes.data32, limit: .max, base: 0)
        store(UInt8(0), vmcb + UInt64(VMCB.privilegeLevel))
        rip = entry
        self[VMCB.interruptShadow] = 0
    }
}
