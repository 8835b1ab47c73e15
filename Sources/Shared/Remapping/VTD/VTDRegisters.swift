/// Offsets and bits of a VT-d unit's registers (VT-d specification, section 11.4; 10.4 in older editions).
enum VTDRegister {
    static let capability = 0x08
    static let extendedCapability = 0x10
    static let globalCommand = 0x18
    static let globalStatus = 0x1C
    static let rootTable = 0x20
    static let faultStatus = 0x34
    static let faultControl = 0x38
    static let faultData = 0x3C
    static let faultAddress = 0x40
    static let faultUpperAddress = 0x44
    static let protectedMemory = 0x64
    static let queueTail = 0x88
    static let queueAddress = 0x90
    static let invalidationStatus = 0x9C
    static let invalidationControl = 0xA0
    static let interruptTable = 0xB8
}

/// Global command; global status has the same bits where a command lasts.
enum VTDCommand {
    static let translation: UInt32 = 1 << 31
    static let setRootTable: UInt32 = 1 << 30
    static let flushWriteBuffer: UInt32 = 1 << 27
    static let queue: UInt32 = 1 << 26
    static let interruptRemapping: UInt32 = 1 << 25
    static let setInterruptTable: UInt32 = 1 << 24
    static let compatibilityFormat: UInt32 = 1 << 23
    /// What lasts: translation, queue, interrupt remapping. Compatibility format is left off by every write.
    static let lasting: UInt32 = translation | queue | interruptRemapping
}

/// Fault status.
enum VTDFaultStatus {
    static let overflow: UInt32 = 1 << 0
    static let pending: UInt32 = 1 << 1
    /// Queue, completion and time-out errors of invalidation.
    static let queueErrors: UInt32 = 7 << 4
}

/// What a unit can do (capability and extended capability registers).
public struct VTDCapabilities: Equatable, Sendable {
    public let capability: UInt64
    public let extended: UInt64

    public init(capability: UInt64, extended: UInt64) {
        self.capability = capability
        self.extended = extended
    }

    /// What both units can do.
    public func intersection(_ other: VTDCapabilities) -> VTDCapabilities {
        let width = min(capability & 0x3F_0000, other.capability & 0x3F_0000)
        let common = capability & other.capability & ~0x3F_0000
        return VTDCapabilities(capability: common | width, extended: extended & other.extended)
    }

    /// Bits of guest-physical address by four levels or, where the unit has only these, by three; nil with neither.
    public var addressWidth: Int? {
        if capability >> 8 & 4 != 0 { return 48 }
        return capability >> 8 & 2 != 0 ? 39 : nil
    }
    /// Guest-physical addresses have at most so many bits.
    public var maximumAddressWidth: Int { Int(capability >> 16 & 0x3F) + 1 }
    public var hasLargePages: Bool { capability >> 34 & 1 != 0 }
    public var hasHugePages: Bool { capability >> 35 & 1 != 0 }
    /// Writes wait in a buffer that has to be flushed.
    public var needsWriteBufferFlush: Bool { capability >> 4 & 1 != 0 }
    public var hasProtectedMemory: Bool { capability >> 5 & 3 != 0 }
    public var drains: UInt64 { capability >> 54 & 3 }
    /// Offset of the fault recording registers, 16 bytes each.
    public var faultOffset: Int { Int(capability >> 24 & 0x3FF) * 16 }
    public var faultCount: Int { Int(capability >> 40 & 0xFF) + 1 }
    /// The unit sees what is in processors' caches.
    public var isCoherent: Bool { extended & 1 != 0 }
    public var hasQueue: Bool { extended >> 1 & 1 != 0 }
    public var hasInterruptRemapping: Bool { extended >> 3 & 1 != 0 }
    public var hasExtendedInterrupts: Bool { extended >> 4 & 1 != 0 }

    /// Why partitions cannot own devices behind this unit; nil when they can.
    public var shortcoming: StaticString? {
        if addressWidth == nil { return "VT-d has neither three nor four levels of tables" }
        if !hasLargePages { return "VT-d has no large pages" }
        if !hasQueue { return "VT-d has no queued invalidation" }
        if !hasInterruptRemapping { return "VT-d has no interrupt remapping" }
        return nil
    }
}
