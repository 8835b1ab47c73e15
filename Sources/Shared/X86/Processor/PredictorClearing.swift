/// What clears a core of what its last user left in predictors and buffers, as the processor enumerates it. Written from
/// the manuals; no emulator has any of it, and no silicon has run it yet.
///
/// A core belongs to one partition for as long as the machine runs, so that nobody else is ever on it between an exit and
/// the next entry: nothing is cleared there. Another guest can have been on it where a guest starts; there all is.
public struct PredictorClearing: Equatable, Sendable {
    /// SPEC_CTRL exists: IBRS, STIBP or SSBD.
    public var hasControl = false
    /// PRED_CMD bit 0: an indirect-branch prediction barrier.
    public var hasBarrier = false
    /// SPEC_CTRL bit 1: siblings do not steer this thread's indirect branches.
    public var hasSiblingProtection = false
    /// VERW overwrites what stands in the core's internal buffers.
    public var verwClears = false
    /// FLUSH_CMD bit 0: the first-level data cache is written back and emptied.
    public var hasDataCacheFlush = false

    public static let speculationControl: UInt32 = 0x48
    public static let predictorCommand: UInt32 = 0x49
    public static let flushCommand: UInt32 = 0x10B
    public static let architecturalCapabilities: UInt32 = 0x10A

    /// From the bits that the AMD64 APM (volume 3, appendix E) and the Intel SDM (CPUID leaf 7 in volume 2;
    /// ARCH_CAPABILITIES in volume 4, table 2-2) name.
    /// - Parameters:
    ///   - native: the silicon's answer to a leaf and subleaf of CPUID.
    ///   - capabilities: reads ARCH_CAPABILITIES; called only where it exists.
    public init(
        _ vendor: Vendor, native: (UInt32, UInt32) -> CPUIDRegisters, capabilities: () -> UInt64
    ) {
        switch vendor {
        case .amd:
            let last = native(0x8000_0000, 0).eax
            let features = last >= 0x8000_0008 ? native(0x8000_0008, 0).ebx : 0
            hasControl = features & (1 << 14 | 1 << 15 | 1 << 24) != 0
            hasBarrier = features & 1 << 12 != 0
            hasSiblingProtection = features & 1 << 15 != 0
            verwClears = last >= 0x8000_0021 && native(0x8000_0021, 0).eax & 1 << 5 != 0
        case .intel:
            let features = native(0, 0).eax >= 7 ? native(7, 0).edx : 0
            hasControl = features & (1 << 26 | 1 << 27 | 1 << 31) != 0
            hasBarrier = features & 1 << 26 != 0
            hasSiblingProtection = features & 1 << 27 != 0
            hasDataCacheFlush = features & 1 << 28 != 0
            // FB_CLEAR and RFDS_CLEAR widen what VERW overwrites.
            let clears = features & 1 << 29 != 0 ? capabilities() & (1 << 17 | 1 << 28) : 0
            verwClears = features & 1 << 10 != 0 || clears != 0
        }
    }

    /// Clears the core that executes this, before a guest starts on it.
    /// - Parameters:
    ///   - sibling: whether a thread of the same core belongs to somebody else.
    ///   - write: writes an MSR.
    ///   - overwriteBuffers: VERW with the selector of a writable segment, in memory.
    @inline(__always)
    public func clear(sibling: Bool, write: (UInt32, UInt64) -> Void, overwriteBuffers: () -> Void) {
        if hasControl { write(Self.speculationControl, sibling && hasSiblingProtection ? 1 << 1 : 0) }
        if hasBarrier { write(Self.predictorCommand, 1) }
        if hasDataCacheFlush { write(Self.flushCommand, 1) }
        // Last: what comes before may leave something in the buffers itself.
        if verwClears { overwriteBuffers() }
    }
}
