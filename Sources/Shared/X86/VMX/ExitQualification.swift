// What the exit-qualification field says, by exit reason (Intel SDM volume 3C, section 28.2.1; 27.2.1 in editions before
// 2023).

/// Of an EPT violation.
public struct EPTViolation: Sendable {
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    public var isWrite: Bool { rawValue >> 1 & 1 == 1 }
    public var isFetch: Bool { rawValue >> 2 & 1 == 1 }
    /// An IRET that was about to end the blocking of NMIs did the access.
    public var unblockedNMIs: Bool { rawValue >> 12 & 1 == 1 }
}

/// Of an access to a control register.
public struct ControlRegisterAccess: Sendable {
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// MOV to CR0; not MOV of another register or from one, CLTS or LMSW.
    public var isMoveToCR0: Bool { rawValue & 0x3F == 0 }
    /// Number of the general register of a move, in the order of instruction encodings: RAX, RCX, RDX, RBX, RSP, ...
    public var register: Int { Int(rawValue >> 8 & 15) }
}
