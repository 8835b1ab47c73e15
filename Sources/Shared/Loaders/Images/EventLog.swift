import Platform

extension PlatformDescription {
    /// Where the guest has the firmware's event log: in whole pages at the end of low RAM, which its memory map calls reserved. Empty where
    /// there is no log.
    public var eventLog: Range<UInt64> {
        let end = min(memorySize, GuestMemory.lowLimit), size = (UInt64(logSize) + 0xFFF) & ~0xFFF
        return end - min(size, end)..<end
    }
}
