import X86

/// Values of the guest-activity field (Intel SDM volume 3C, section 25.4.2).
public enum Activity {
    public static let active: UInt64 = 0
    public static let halted: UInt64 = 1
    public static let shutdown: UInt64 = 2
    public static let waitForStartUp: UInt64 = 3
}

/// Bits of the guest-interruptibility field (section 25.4.2).
public enum Interruptibility {
    public static let bySTI: UInt64 = 1 << 0
    public static let byMoveSS: UInt64 = 1 << 1
    public static let bySMI: UInt64 = 1 << 2
    public static let byNMI: UInt64 = 1 << 3
    public static let enclave: UInt64 = 1 << 4
    /// What holds for one instruction only: STI's and MOV SS's.
    public static let blockedOnce: UInt64 = bySTI | byMoveSS
}
