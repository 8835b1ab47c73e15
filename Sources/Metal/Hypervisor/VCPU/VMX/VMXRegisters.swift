import Silicon
import X86

// The guest's registers as the exit handlers see them.
extension VMX {
    var rax: UInt64 {
        @inline(__always) get { load(registers &+ 112) }
        @inline(__always) set { store(newValue, registers &+ 112) }
    }
    var rip: UInt64 {
        @inline(__always) get { self[VMCSField.guestRIP] }
        @inline(__always) set { self[VMCSField.guestRIP] = newValue }
    }
    var cr4: UInt64 { @inline(__always) get { self[VMCSField.guestCR4] } }
    var hasPaging: Bool { @inline(__always) get { self[VMCSField.guestCR0] & CR0.paging != 0 } }
    var exitCode: UInt64 { self[VMCSField.exitReason] }
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
        switch number {
        case 0: load(registers &+ 112)
        case 1: load(registers &+ 8)
        case 2: load(registers &+ 16)
        case 3: load(registers)
        case 4: self[VMCSField.guestRSP]
        case 5: load(registers &+ 40)
        case 6: load(registers &+ 24)
        case 7: load(registers &+ 32)
        default: load(registers &+ 48 &+ UInt64(number & 7) &* 8)
        }
    }
}
