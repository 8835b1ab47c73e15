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
    /// Of the root table's register: what kind of table it names; 0 for ours (section 11.4.5).
    static let tableType: UInt64 = 3 << 10
    /// What lasts, and is written as it is with every command.
    static let lasting: UInt32 = translation | queue | interruptRemapping | compatibilityFormat
}

/// Fault status.
enum VTDFaultStatus {
    static let overflow: UInt32 = 1 << 0
    static let pending: UInt32 = 1 << 1
    /// Queue, completion and time-out errors of invalidation.
    static let queueErrors: UInt32 = 7 << 4
}

/// What a unit can do (capability and extended capability registers).
struct VTDCapabilities: Sendable {
    let capability: UInt64
    let extended: UInt64

    /// Writes wait in a buffer that has to be flushed.
    var needsWriteBufferFlush: Bool { capability >> 4 & 1 != 0 }
    var hasProtectedMemory: Bool { capability >> 5 & 3 != 0 }
    var drains: UInt64 { capability >> 54 & 3 }
    /// Offset of the fault recording registers, 16 bytes each.
    var faultOffset: Int { Int(capability >> 24 & 0x3FF) * 16 }
    var faultCount: Int { Int(capability >> 40 & 0xFF) + 1 }
    /// Offset of the registers for invalidation without a queue, 16 bytes.
    var invalidationOffset: Int { Int(extended >> 8 & 0x3FF) * 16 }
}

extension RemappingFeatures {
    public init(vtd capability: UInt64, _ extended: UInt64) {
        let vtd = VTDCapabilities(capability: capability, extended: extended)
        threeLevels = capability >> 9 & 1 != 0
        fourLevels = capability >> 10 & 1 != 0
        maximumGuestBits = Int(capability >> 16 & 0x3F) + 1
        hugePages = capability >> 35 & 1 != 0
        extendedInterrupts = extended >> 4 & 1 != 0
        extendedMessages = extendedInterrupts
        isCoherent = extended & 1 != 0
        // Both may lie in later pages.
        let end = max(vtd.faultOffset + vtd.faultCount * 16, vtd.invalidationOffset + 16)
        registerBytes = UInt64(end + 0xFFF) & ~0xFFF
        bufferFrames = 1
        deviceTableFrames = 1
        if capability >> 34 & 1 == 0 { missing = "VT-d has no large pages" }
        if extended >> 1 & 1 == 0 { obstacle = "VT-d has no queued invalidation" }
        if extended >> 3 & 1 == 0 { missing = "VT-d has no interrupt remapping" }
    }
}
