import Silicon
import X86

// The guest's registers as the exit handlers see them.
extension VMXCPU {
    var rax: UInt64 {
        @inline(__always) get { registers.value.rax }
        @inline(__always) set { registers.value.rax = newValue }
    }
    var rip: UInt64 {
        @inline(__always) get { self[VMCSField.guestRIP] }
        @inline(__always) set { self[VMCSField.guestRIP] = newValue }
    }
    var cr4: UInt64 { @inline(__always) get { self[VMCSField.guestCR4] } }
    /// VMX operation wants numeric errors on.
    var cr0: UInt64 {
        @inline(__always) get { self[VMCSField.guestCR0] }
        set { self[VMCSField.guestCR0] = newValue | CR0.numericError }
    }
    /// Behind the instruction that exited.
    var next: UInt64 {
        @inline(__always) get { instructionEnd(rip, self[VMCSField.exitInstructionLength], is64Bit: is64Bit) }
    }
    /// The stack segment's privilege level (section 24.4.1).
    var privilegeLevel: Int { @inline(__always) get { Int(self[VMCSField.guestSSAccessRights] >> 5 & 3) } }
    var is64Bit: Bool {
        @inline(__always) get {
            efer & EFER.longModeActive != 0 && self[VMCSField.guestCSAccessRights] >> 13 & 1 != 0
        }
    }
    var exitCode: UInt64 { @inline(__always) get { self[VMCSField.exitReason] } }
    var clockLag: UInt64 {
        @inline(__always) get { 0 &- self[VMCSField.tscOffset] }
        @inline(__always) nonmutating set { self[VMCSField.tscOffset] = 0 &- newValue }
    }
    var efer: UInt64 {
        @inline(__always) get { self[VMCSField.guestEFER] }
        @inline(__always) set { self[VMCSField.guestEFER] = newValue }
    }

    /// A general register by its number in instructions (section 27.2.1, table 27-3).
    func general(_ number: Int) -> UInt64 {
        if number == 4 { return self[VMCSField.guestRSP] }
        let low: [8 of Int32] = [GUEST_RAX, GUEST_RCX, GUEST_RDX, GUEST_RBX, 0, GUEST_RBP, GUEST_RSI, GUEST_RDI]
        let place = number < 8 ? UInt64(low[number]) : UInt64(GUEST_R8) &+ UInt64(number & 7) &* 8
        return load(registers.address &+ place)
    }
}
