// What the exit-qualification field says, by exit reason (Intel SDM volume 3C, section 28.2.1; 27.2.1 in editions before
// 2023).

/// Of an exit for an I/O instruction.
public struct IOQualification: Sendable {
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    public var port: UInt16 { UInt16(truncatingIfNeeded: rawValue >> 16) }
    /// Bytes: 1, 2 or 4.
    public var size: Int { Int(rawValue & 7) + 1 }
    public var isIn: Bool { rawValue >> 3 & 1 == 1 }
    /// INS or OUTS.
    public var isString: Bool { rawValue >> 4 & 1 == 1 }
}

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
    public enum Kind: UInt8, Sendable { case moveTo = 0, moveFrom, clts, lmsw }

    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// 0, 3, 4 or 8; 0 for CLTS and LMSW.
    public var number: Int { Int(rawValue & 15) }
    public var kind: Kind { Kind(rawValue: UInt8(truncatingIfNeeded: rawValue >> 4 & 3)) ?? .moveTo }
    /// Number of the general register of a move, in the order of instruction encodings: RAX, RCX, RDX, RBX, RSP, ...
    public var register: Int { Int(rawValue >> 8 & 15) }
}
