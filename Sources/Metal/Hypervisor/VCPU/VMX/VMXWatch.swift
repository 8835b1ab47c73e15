import Silicon
import Watch
import X86

// What the watch asks of VMX.
extension VMXCPU {
    var cr3: UInt64 { self[VMCSField.guestCR3] }

    /// Of `GuardedRegisters`, those that the control structure holds; 0 for those that are the processor's own.
    private static let fields: [11 of UInt32] = [
        VMCSField.guestCR0, VMCSField.guestCR4, VMCSField.guestIDTRBase, VMCSField.guestGDTRBase, 0, 0, 0, 0,
        VMCSField.guestSysenterCS, VMCSField.guestSysenterESP, VMCSField.guestSysenterEIP,
    ]

    var guarded: GuardedRegisters {
        get {
            var registers = GuardedRegisters()
            for i in 0..<GuardedRegisters.count {
                let field = Self.fields[i]
                registers.words[i] = field == 0 ? cpu_rdmsr(MSR.star + UInt32(i - 4)) : self[field]
            }
            return registers
        }
        // Only what was read before comes back: no value faults.
        set {
            for i in 0..<GuardedRegisters.count {
                let field = Self.fields[i]
                if field == 0 { cpu_wrmsr(MSR.star + UInt32(i - 4), newValue.words[i]) } else { self[field] = newValue.words[i] }
            }
        }
    }

    mutating func interceptUndefined(_ isOn: Bool) {
        exceptions = Vector.exiting | (isOn ? 1 << UInt32(Vector.invalidOpcode) : 0)
        self[VMCSField.exceptionBitmap] = UInt64(exceptions)
    }

    mutating func guardRegisters(_ isOn: Bool) {
        guardsRegisters = isOn
        applyGuard(isOn)
    }

    /// Masks of CR0 and CR4 (SDM volume 3C, section 25.6.6): writes that change a masked bit exit; descriptor-table exiting, where
    /// the processor has it (25.6.2); WRMSR.
    func applyGuard(_ isOn: Bool) {
        let pinned = GuardedRegisters.pinned
        self[VMCSField.cr0Mask] = VMX.ownedCR0 | (isOn ? pinned.cr0 : 0)
        self[VMCSField.cr4Mask] = VMX.ownedCR4 | (isOn ? pinned.cr4 : 0)
        self[VMCSField.cr0Shadow] =
            self[VMCSField.cr0Shadow] & ~pinned.cr0 | (isOn ? self[VMCSField.guestCR0] & pinned.cr0 : 0)
        self[VMCSField.cr4Shadow] = isOn ? self[VMCSField.guestCR4] & pinned.cr4 : 0
        let exiting = VMX.hasDescriptorTableExiting && isOn ? UInt64(SecondaryControl.descriptorTableExiting) : 0
        self[VMCSField.secondaryControls] = UInt64(controls.secondary) | exiting
        self[VMCSField.msrBitmap] = isOn ? maps.msrsGuarded : maps.msrs
    }

    /// Whether a MOV to CR0 or CR4 exited for one of those bits.
    func changesPinned(_ register: Int, _ value: UInt64) -> Bool {
        let pinned = GuardedRegisters.pinned
        return register == 0
            ? (value ^ self[VMCSField.cr0Shadow]) & pinned.cr0 != 0 : (value ^ self[VMCSField.cr4Shadow]) & pinned.cr4 != 0
    }

    mutating func stepGuarded(root: UInt64?) {
        beginStep(.guarded)
        if let root { useNested(root) } else { applyGuard(false) }
    }

    /// SYSCALL in 64-bit mode (SDM volume 2, SYSCALL).
    mutating func enterSystemCall() {
        let star = cpu_rdmsr(MSR.star), flags = self[VMCSField.guestRFLAGS] & ~RFLAGS.resume
        registers.value.rcx = rip &+ 2
        registers.value.r11 = flags
        self[VMCSField.guestRFLAGS] = flags & ~cpu_rdmsr(MSR.syscallMask) | 2
        let selector = UInt16(truncatingIfNeeded: star >> 32)
        segment(.cs, selector: selector & 0xFFFC, SegmentAttributes.code64, limit: 0xFFFF_FFFF, base: 0)
        segment(.ss, selector: selector &+ 8, SegmentAttributes.data32, limit: 0xFFFF_FFFF, base: 0)
        rip = cpu_rdmsr(MSR.star + 1)
        endShadow()
    }
}
