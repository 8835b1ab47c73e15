import PCI

/// Where a guest's root bridge has what, guest-physical.
public enum GuestWindows {
    /// Memory-mapped configuration space of bus 0.
    public static let ecam: UInt64 = 0xE000_0000
    public static let ecamSize: UInt64 = 1 << 20
    /// BARs of 32 bits, and small ones of 64.
    public static let low: UInt64 = 0xC000_0000
    public static let lowSize: UInt64 = 0x2000_0000
    /// Ports of virtio functions, and how many each has.
    public static let ports: UInt16 = 0xC000
    public static let virtioPorts = 128
    /// Larger ones.
    public static let high: UInt64 = 1 << 38
    public static let highSize: UInt64 = 1 << 38
    /// The TPM's registers of localities 0 to 4, where the machine has them too (TCG PC Client Platform TPM Profile 1.05, table 9).
    public static let tpm: UInt64 = 0xFED4_0000
    public static let tpmSize: UInt64 = 0x5000

    /// Whether RAM of `memorySize` bytes leaves the high window free.
    public static func hasHigh(_ memorySize: UInt64) -> Bool {
        memorySize <= high - GuestMemory.highBase + GuestMemory.lowLimit
    }
}

/// Hands out the windows once, upwards: a guest's BARs stay where they are for ever.
public struct GuestAddresses: Sendable {
    private var low = GuestWindows.low
    private var high: UInt64

    /// - Parameter memorySize: bytes of the partition's RAM.
    public init(memorySize: UInt64) {
        high = GuestWindows.hasHigh(memorySize) ? GuestWindows.high : GuestWindows.high + GuestWindows.highSize
    }

    /// A place for `bar`: aligned to its size, in pages of its own, and as far into its page as on the machine, because pages
    /// are what is mapped.
    public mutating func place(_ bar: BaseAddress) throws(GuestBusError) -> UInt64 {
        guard bar.size >= 16, bar.hasAddress else { throw .badBAR }
        let size = max(bar.size, 4096)
        if bar.kind == .memory64, bar.size >= 64 << 20 {
            return try Self.take(size, from: &high, end: GuestWindows.high + GuestWindows.highSize)
        }
        let page = try Self.take(size, from: &low, end: GuestWindows.low + GuestWindows.lowSize)
        return page | bar.address & 0xFFF
    }

    /// A page of registers of the device model's, or shared memory.
    mutating func place(size: UInt64) throws(GuestBusError) -> UInt64 {
        try Self.take(size, from: &low, end: GuestWindows.low + GuestWindows.lowSize)
    }

    /// - Precondition: `next` <= `end`, and `end` is a multiple of the window's largest possible piece.
    private static func take(_ size: UInt64, from next: inout UInt64, end: UInt64) throws(GuestBusError) -> UInt64 {
        guard size <= end - next else { throw .noAddresses }
        let start = (next + size - 1) & ~(size - 1)
        guard start <= end, size <= end - start else { throw .noAddresses }
        next = start + size
        return start
    }
}
