/// Offsets of an AMD unit's registers (specification 48882, section 3.4).
enum AMDViRegister {
    static let deviceTable = 0x0000
    static let commandBuffer = 0x0008
    static let eventLog = 0x0010
    static let control = 0x0018
    static let exclusionBase = 0x0020
    static let exclusionLimit = 0x0028
    static let features = 0x0030
    static let features2 = 0x01A0
    static let commandHead = 0x2000
    static let commandTail = 0x2008
    static let eventHead = 0x2010
    static let eventTail = 0x2018
    static let status = 0x2020
    /// What has to be there before control says that it counts, the device table first; control itself is the last.
    static var kept: [10 of Int] {
        [
            deviceTable, exclusionBase, exclusionLimit, commandBuffer, commandHead, commandTail, eventLog, eventHead,
            eventTail, control,
        ]
    }
}

/// The control register (section 3.4.2).
enum AMDViControl {
    static let enable: UInt64 = 1 << 0
    static let eventLog: UInt64 = 1 << 2
    static let eventInterrupt: UInt64 = 1 << 3
    /// The unit looks into processors' caches for its device table.
    static let coherent: UInt64 = 1 << 10
    static let commandBuffer: UInt64 = 1 << 12
    /// Interrupt entries of 128 bits.
    static let wideInterrupts: UInt64 = 1 << 17
    /// Value 1 of bits 44:43: 2,048 interrupts a function.
    static let manyInterrupts: UInt64 = 1 << 43
    static let x2APIC: UInt64 = 1 << 50
    /// What `enable` switches on last.
    static let running = enable | eventLog | commandBuffer
    /// What lets nothing pass: whether events interrupt, and the order of the unit's own requests.
    static let free = eventInterrupt | 1 << 8 | 1 << 9 | 1 << 11

    /// What the flags of the unit's IVHD block ask for (section 5.2.2.1, table 96): HyperTransport tunnel, posted writes,
    /// responses and isochronous traffic, in the same order as here but for one.
    static func wanted(by flags: UInt8) -> UInt64 {
        let flags = UInt64(flags)
        return (flags & 1) << 1 | (flags >> 1 & 1) << 8 | (flags >> 2 & 1) << 9 | (flags >> 3 & 1) << 11
    }
}

/// The status register (section 3.4.15).
enum AMDViStatus {
    static let overflow: UInt32 = 1 << 0
    static let eventInterrupt: UInt32 = 1 << 1
    static let eventRunning: UInt32 = 1 << 3
    static let commandRunning: UInt32 = 1 << 4
}

extension RemappingFeatures {
    /// What an AMD unit can do (extended feature registers, sections 3.4.6 and 3.4.9).
    public init(amdVi features: UInt64, _ features2: UInt64) {
        fourLevels = true
        hugePages = true
        // 128-bit interrupt entries with 32-bit destinations.
        extendedInterrupts = features >> 2 & 1 != 0 && features >> 7 & 1 != 0
        interruptLimit = features2 >> 8 & 3 != 0 ? 2048 : 512
        registerBytes = 0x4000
        bufferFrames = 3
        logFrame = 1
        deviceTableFrames = 512
        if features >> 6 & 1 == 0 { obstacle = "AMD-Vi cannot invalidate all of its caches (INVALIDATE_IOMMU_ALL)" }
    }
}
