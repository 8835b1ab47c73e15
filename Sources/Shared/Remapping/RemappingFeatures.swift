/// What one remapping unit can do, or all units of a machine.
public struct RemappingFeatures: Sendable {
    /// Page tables of three levels (39 bits of guest-physical address), of four levels (48 bits).
    var threeLevels = false
    var fourLevels = false
    /// Guest-physical addresses have at most so many bits.
    var maximumGuestBits = 48
    public internal(set) var hugePages = false
    /// Interrupt destinations are whole x2APIC ids; otherwise ids are below 255.
    public var extendedInterrupts = false
    /// The messages that announce faults reach such destinations too.
    var extendedMessages = false
    /// Units see what is in processors' caches.
    public var isCoherent = true
    /// Interrupts that one function can have.
    var interruptLimit = 65_536
    /// Bytes of a unit's registers, those in which it records faults included.
    public internal(set) var registerBytes: UInt64 = 0
    /// Frames that a unit needs for queues and logs, and which of them is the log of faults; 0: the registers are.
    public internal(set) var bufferFrames = 0
    public internal(set) var logFrame = 0
    /// Frames of the table that has an entry for each function or bus.
    var deviceTableFrames = 0
    /// What the unit lacks for partitions to own functions behind it.
    var missing: StaticString?
    /// What it lacks even to deny everything.
    public internal(set) var obstacle: StaticString?
    /// Interrupts are held as DMA is; without that, units deny all DMA, and no partition owns a function.
    public var remapsInterrupts = true

    /// What both can do.
    public func intersection(_ other: RemappingFeatures) -> RemappingFeatures {
        var common = self
        common.threeLevels = threeLevels && other.threeLevels
        common.fourLevels = fourLevels && other.fourLevels
        common.maximumGuestBits = min(maximumGuestBits, other.maximumGuestBits)
        common.hugePages = hugePages && other.hugePages
        common.extendedInterrupts = extendedInterrupts && other.extendedInterrupts
        common.extendedMessages = extendedMessages && other.extendedMessages
        common.isCoherent = isCoherent && other.isCoherent
        common.registerBytes = max(registerBytes, other.registerBytes)
        common.interruptLimit = min(interruptLimit, other.interruptLimit)
        common.missing = missing ?? other.missing
        common.obstacle = obstacle ?? other.obstacle
        return common
    }

    /// Why partitions cannot own functions behind these units; nil when they can.
    public var shortcoming: StaticString? {
        if let missing = obstacle ?? missing { return missing }
        return threeLevels || fourLevels ? nil : "its units have neither three nor four levels of tables in common"
    }

    /// What the levels of a table cover.
    var addressWidth: Int { fourLevels ? 48 : 39 }
    var guestBits: Int { min(addressWidth, maximumGuestBits) }
    /// The most vCPUs of a partition that owns functions.
    public var maxVCPUs: Int { min(16, interruptLimit / 256) }
    /// Whether interrupts can be sent to the core with this id.
    func canReach(_ apicID: UInt32) -> Bool { extendedInterrupts || apicID < 255 }
    /// Whether faults can be announced to it.
    public func canReport(to apicID: UInt32) -> Bool { extendedMessages || apicID < 255 }
}
