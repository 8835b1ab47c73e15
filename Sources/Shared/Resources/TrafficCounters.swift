/// What one monitor id's cores have in the last-level cache and have moved to and from memory, as far as the core that reads can tell:
/// of its own cache alone (Intel SDM volume 3B, section 18.18; AMD64 APM volume 2, section 19.3).
public struct TrafficCounters: Equatable, Sendable {
    /// Bytes of the cache that its accesses have filled, nil where that is not counted or not known now.
    public var occupancy: UInt64?
    /// Bytes moved in all, and to and from the package's own memory; they begin again at 0 behind `wrap`.
    public var total: UInt64?
    public var local: UInt64?
    /// 0: nothing is counted.
    public var wrap: UInt64 = 0

    public init() {}

    static let select: UInt32 = 0xC8D, counter: UInt32 = 0xC8E

    /// Selects and reads. The registers are the core's own.
    public init(
        monitor: UInt32, _ capabilities: ResourceCapabilities, read: (UInt32) -> UInt64, write: (UInt32, UInt64) -> Void
    ) {
        guard monitor > 0, monitor <= capabilities.highestMonitor else { return }
        func value(_ event: UInt64) -> UInt64? {
            guard capabilities.counters >> UInt32(event - 1) & 1 != 0 else { return nil }
            write(Self.select, UInt64(monitor) << 32 | event)
            let found = read(Self.counter)
            // Bit 63: no such event; 62: nothing is known of this id now.
            guard found >> 62 == 0 else { return nil }
            return found &* UInt64(capabilities.counterUnit)
        }
        (occupancy, total, local) = (value(1), value(2), value(3))
        wrap = UInt64(capabilities.counterUnit) << UInt64(capabilities.counterBits)
    }

    /// What was moved since an earlier moment, no longer ago than one turn of the counter.
    public static func moved(_ now: UInt64, since: UInt64, wrap: UInt64) -> UInt64 {
        now >= since ? now - since : now &+ (wrap &- since)
    }
}
