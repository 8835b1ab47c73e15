import X86

/// One cache that can be divided by ways (Intel SDM volume 3B, section 18.19.4; AMD64 APM volume 2, section 19.4).
public struct CacheAllocation: Equatable, Sendable {
    /// How many ways a mask has bits for; 0: it cannot be divided.
    public var ways: UInt32 = 0
    /// Ways that devices or graphics fill too.
    public var shared: UInt32 = 0
    /// Classes of service are 0 to this.
    public var highestClass: UInt32 = 0
    /// Whether code and data could have masks of their own; they are kept together.
    public var hasCodeAndData = false
    /// Whether a mask may have gaps.
    public var allowsGaps = false
    public init() {}

    /// A subleaf of CPUID leaf 10h.
    init(_ said: CPUIDRegisters, anyMask: Bool) {
        ways = said.eax & 0x1F + 1
        shared = said.ebx
        highestClass = said.edx & 0xFFFF
        hasCodeAndData = said.ecx & 1 << 2 != 0
        allowsGaps = anyMask || said.ecx & 1 << 3 != 0
    }
}

/// What the processor can divide and count, as CPUID enumerates it. All processors of a machine are taken to be alike, as
/// their makers demand; each core reads back what it has written.
public struct ResourceCapabilities: Equatable, Sendable {
    /// How the bandwidth to memory can be limited.
    public enum Bandwidth: UInt8, Sendable {
        case none
        /// By delays, percent of what is not granted (Intel).
        case percent
        /// In eighths of GB/s (AMD).
        case amount
    }

    public var l3 = CacheAllocation()
    public var l2 = CacheAllocation()
    public var bandwidth = Bandwidth.none
    /// The longest delay, or the value that is no limit.
    public var bandwidthLimit: UInt32 = 0
    public var highestBandwidthClass: UInt32 = 0
    /// Monitor ids are 0 to this; 0: there are none.
    public var highestMonitor: UInt32 = 0
    /// Bytes that a unit of a counter stands for.
    public var counterUnit: UInt32 = 0
    /// Bits that a counter of bandwidth has.
    public var counterBits: UInt32 = 24
    /// Occupancy, all bandwidth and that to memory of this package: bits 0, 1, 2 (CPUID 0Fh.1 EDX).
    public var counters: UInt32 = 0

    /// Classes are 0 to this: each has a register of every kind that exists.
    public var highestClass: UInt32 {
        var highest: UInt32 = 9
        if l3.ways > 0 { highest = min(highest, l3.highestClass) }
        if l2.ways > 0 { highest = min(highest, l2.highestClass) }
        return bandwidth == .none ? highest : min(highest, highestBandwidthClass)
    }

    /// Nothing.
    public init() {}

    /// - Parameter native: the silicon's answer to a leaf and subleaf of CPUID.
    public init(_ vendor: Vendor, native: (UInt32, UInt32) -> CPUIDRegisters) {
        let last = native(0, 0).eax
        // Of a hybrid processor (CPUID 7 EDX[15]) each kind of core has its own caches: one alone does not speak for both.
        guard last >= 0x10, native(7, 0).edx & 1 << 15 == 0 else { return }
        let features = native(7, 0).ebx
        if features & 1 << 15 != 0 {
            let resources = native(0x10, 0).ebx
            if resources & 1 << 1 != 0 { l3 = CacheAllocation(native(0x10, 1), anyMask: vendor == .amd) }
            if resources & 1 << 2 != 0 { l2 = CacheAllocation(native(0x10, 2), anyMask: vendor == .amd) }
            let delay = native(0x10, 3)
            // Delays that are no percentages have no meaning that a manifest could promise.
            if vendor == .intel, resources & 1 << 3 != 0, delay.ecx & 1 << 2 != 0 {
                bandwidth = .percent
                bandwidthLimit = min(delay.eax & 0xFFF + 1, 99)
                highestBandwidthClass = delay.edx & 0xFFFF
            }
        }
        if vendor == .amd, native(0x8000_0000, 0).eax >= 0x8000_0020, native(0x8000_0008, 0).ebx & 1 << 6 != 0,
            native(0x8000_0020, 0).ebx & 1 << 1 != 0
        {
            let limit = native(0x8000_0020, 1)
            bandwidth = .amount
            bandwidthLimit = 1 << min(limit.eax, 31)
            highestBandwidthClass = limit.edx
        }
        guard features & 1 << 12 != 0, native(0xF, 0).edx & 1 << 1 != 0 else { return }
        let monitor = native(0xF, 1)
        highestMonitor = min(monitor.ecx, 0x3FF)
        counterUnit = monitor.ebx
        counterBits = min(24 + monitor.eax & 0xFF, 62)
        counters = monitor.edx & 7
    }
}
