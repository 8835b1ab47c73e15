/// How much of a cache a partition is promised: nothing, some ways, a percentage of them, or all that are left.
public struct CacheDemand: Equatable, Sendable {
    /// 0: nothing; 1 to 32: ways; 101h to 164h: 1 to 100 percent; 200h: what is left. It travels in the manifest.
    public let rawValue: UInt16

    /// nil for a value without a meaning.
    public init?(rawValue: UInt16) {
        switch rawValue {
        case 0...32, 0x101...0x164, 0x200: self.rawValue = rawValue
        default: return nil
        }
    }

    private init(known: UInt16) { rawValue = known }
    public static var none: CacheDemand { CacheDemand(known: 0) }
    /// All ways that no other partition asks for and that nothing but cores fills.
    public static var exclusive: CacheDemand { CacheDemand(known: 0x200) }

    /// How many of `total` ways these are, rounded up; 0 for nothing, and for all that are left.
    public func ways(of total: UInt32) -> UInt32 {
        switch rawValue {
        case 1...32: UInt32(rawValue)
        case 0x101...0x164: (total * UInt32(rawValue & 0xFF) + 99) / 100
        default: 0
        }
    }
}

/// The most memory bandwidth of each core, or of all that share a class: a percentage on Intel's processors, an amount on
/// AMD's, as these can be told.
public struct BandwidthDemand: Equatable, Sendable {
    /// 0: no limit; 1 to 100: percent; 8000h and more: eighths of GB/s. It travels in the manifest.
    public let rawValue: UInt16

    /// nil for a value without a meaning.
    public init?(rawValue: UInt16) {
        guard rawValue <= 100 || rawValue > 0x8000 else { return nil }
        self.rawValue = rawValue
    }

    public static var none: BandwidthDemand { unlimited }
    private static let unlimited = BandwidthDemand(known: 0)
    private init(known: UInt16) { rawValue = known }
    public var isAmount: Bool { rawValue > 0x8000 }
    /// Eighths of GB/s.
    public var amount: UInt32 { UInt32(rawValue & 0x7FFF) }
}

/// Whether a partition's memory is encrypted with a key of its own.
public enum MemoryKeyDemand: UInt8, Sendable {
    case none = 0
    /// Where the machine can.
    case preferred = 1
    /// Else the machine does not boot this manifest.
    case required = 2
}

/// What a partition, or the housekeeping core, asks of the silicon beside cores, memory and devices.
public struct ResourceDemand: Equatable, Sendable {
    public var l3 = CacheDemand.none
    public var l2 = CacheDemand.none
    public var bandwidth = BandwidthDemand.none
    public var memoryKey = MemoryKeyDemand.none
    public init() {}

    /// Gives up what the processor cannot divide.
    public mutating func drop(where capabilities: ResourceCapabilities) {
        if capabilities.l3.ways == 0 { l3 = .none }
        if capabilities.l2.ways == 0 { l2 = .none }
        if capabilities.bandwidth == .none { bandwidth = .none }
    }

    public var isEmpty: Bool { !needsClass && memoryKey == .none }
    /// Whether it takes a class of service.
    public var needsClass: Bool { l3 != .none || l2 != .none || bandwidth != .none }
}
