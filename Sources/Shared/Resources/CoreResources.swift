import Text

/// What one core writes before its first entry, and reads back: the masks and limits of its caches' domain, the same on each of
/// the domain's cores, and the class and the monitor id of its own. Empty where the manifest asks for nothing and
/// nothing is counted. `Manifest.resources` makes it.
public struct CoreResources: Sendable {
    /// Registers: Intel SDM volume 4, table 2-2 and its neighbours; AMD64 APM volume 2, section 19.
    private static let associationRegister: UInt32 = 0xC8F
    private static let l3CodeAndData: UInt32 = 0xC81, l2CodeAndData: UInt32 = 0xC82
    private static let l3Mask: UInt32 = 0xC90, l2Mask: UInt32 = 0xD10, delay: UInt32 = 0xD50,
        limit: UInt32 = 0xC000_0200

    /// Class of service in the upper half, 0 for what nobody else has; below it the number under which the core's traffic is
    /// counted: the partition's index + 1, 0 where nothing is counted.
    package var association: UInt64 = 0
    /// Where the core's memory is encrypted: the register that says so, and what it holds on the boot core; 0: nothing is looked at.
    package var key: (register: UInt32, setting: UInt64) = (0, 0)
    /// A register in the upper half, its value below, in the order in which they are written.
    private var settings = BoundedList<32, UInt64>(unused: 0)

    /// Nothing.
    public init() {}

    private mutating func append(_ register: UInt32, _ value: UInt32) {
        guard settings.append(UInt64(register) << 32 | UInt64(value)) else { preconditionFailure() }
    }

    /// Adds what a class has, by number from 0 to 9: masks of both caches and the limit of bandwidth.
    package mutating func add(
        class number: UInt32, l3: UInt32, l2: UInt32, bandwidth: UInt32, _ capabilities: ResourceCapabilities
    ) {
        if settings.count == 0 {
            if capabilities.l3.hasCodeAndData { append(Self.l3CodeAndData, 0) }
            if capabilities.l2.hasCodeAndData { append(Self.l2CodeAndData, 0) }
        }
        if capabilities.l3.ways > 0 { append(Self.l3Mask + number, l3) }
        if capabilities.l2.ways > 0 { append(Self.l2Mask + number, l2) }
        let limit = capabilities.bandwidth == .percent ? Self.delay : Self.limit
        if capabilities.bandwidth != .none { append(limit + number, bandwidth) }
    }

    public var isEmpty: Bool { settings.count == 0 && association == 0 }

    /// Calls `body` with each register and its value, in the order in which they are written: the class last.
    @inline(never)
    public func forEachSetting(_ body: (UInt32, UInt64) -> Void) {
        if isEmpty { return }
        for i in 0..<settings.count { body(UInt32(settings[i] >> 32), settings[i] & 0xFFFF_FFFF) }
        body(Self.associationRegister, association)
    }

    /// Whether memory is encrypted as on the boot core.
    public func hasKey(read: (UInt32) -> UInt64) -> Bool { key.register == 0 || read(key.register) == key.setting }

    /// The same, and whether every register holds what was written.
    public func holds(read: (UInt32) -> UInt64) -> Bool {
        var isSame = hasKey(read: read)
        forEachSetting { if read($0) != $1 { isSame = false } }
        return isSame
    }
}
