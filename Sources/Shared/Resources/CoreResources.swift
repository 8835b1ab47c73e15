/// What one core writes before its first entry, and reads back: the masks and limits of its caches' domain, the same on each of
/// the domain's cores, and the class and the monitor id of its own. Empty where the manifest asks for nothing and
/// nothing is counted.
public struct CoreResources: Sendable {
    /// Registers: Intel SDM volume 4, table 2-2 and its neighbours; AMD64 APM volume 2, section 19.
    public static let association: UInt32 = 0xC8F
    static let l3CodeAndData: UInt32 = 0xC81, l2CodeAndData: UInt32 = 0xC82
    static let l3Mask: UInt32 = 0xC90, l2Mask: UInt32 = 0xD10, delay: UInt32 = 0xD50, limit: UInt32 = 0xC000_0200

    /// Class of service; 0: what nobody else has.
    public private(set) var ownClass: UInt32 = 0
    /// Under which the core's traffic is counted: the partition's index + 1, 0 where nothing is counted.
    public private(set) var monitor: UInt32 = 0
    /// Classes that are in use in the domain, 0 among them; 0: nothing is asked for.
    public private(set) var classCount = 0
    /// Where memory is encrypted: the register that says so, and what it holds on the boot core; 0: nothing is looked at.
    public var keyRegister: UInt32 = 0
    public var keySetting: UInt64 = 0
    private var l3 = [10 of UInt32](repeating: 0)
    private var l2 = [10 of UInt32](repeating: 0)
    private var bandwidth = [10 of UInt32](repeating: 0)
    private var capabilities = ResourceCapabilities()

    /// Nothing.
    public init() {}

    /// - Parameters:
    ///   - owner: whose the core is (`DomainOwners`).
    ///   - neighbours: who shares its second-level cache.
    ///   - demands: of each owner who shares the last-level cache and the way to memory, by index.
    public init(
        _ capabilities: ResourceCapabilities, owner: Int, neighbours: DomainOwners, _ demands: [9 of ResourceDemand]
    ) throws(ResourceShortage) {
        self.capabilities = capabilities
        if owner < Int(capabilities.highestMonitor) { monitor = UInt32(owner) + 1 }
        let l3 = try CacheMasks(capabilities.l3, level: 3) { demands[$0].l3 }
        let l2 = try CacheMasks(capabilities.l2, level: 2) { neighbours.contains($0) ? demands[$0].l2 : .none }
        (self.l3[0], self.l2[0]) = (l3.rest, l2.rest)
        bandwidth[0] = Self.unlimited(capabilities)
        var count = 1
        for other in 0..<DomainOwners.count where demands[other].needsClass {
            guard count <= Int(capabilities.highestClass) else {
                throw ResourceShortage(.tooFewClasses, other, UInt32(count + 1), UInt64(capabilities.highestClass) + 1)
            }
            self.l3[count] = l3.own[other] != 0 ? l3.own[other] : l3.rest
            self.l2[count] = l2.own[other] != 0 ? l2.own[other] : l2.rest
            bandwidth[count] = try Self.limit(capabilities, demands[other].bandwidth, other)
            if other == owner { ownClass = UInt32(count) }
            count += 1
        }
        classCount = count > 1 ? count : 0
    }

    private static func unlimited(_ capabilities: ResourceCapabilities) -> UInt32 {
        capabilities.bandwidth == .amount ? capabilities.bandwidthLimit : 0
    }

    private static func limit(
        _ capabilities: ResourceCapabilities, _ demand: BandwidthDemand, _ owner: Int
    ) throws(ResourceShortage) -> UInt32 {
        guard demand != .none else { return unlimited(capabilities) }
        let limit = capabilities.bandwidthLimit, percent = UInt32(demand.rawValue)
        switch capabilities.bandwidth {
        case .none: throw ResourceShortage(.unlimited, owner)
        case .percent:
            guard !demand.isAmount else { throw ResourceShortage(.inPercent, owner) }
            guard 100 - percent <= limit else {
                throw ResourceShortage(.outOfRange, owner, percent, UInt64(100 - limit))
            }
            // Delays have steps; a limit is kept from below.
            let step = 100 - limit
            return min((100 - percent + step - 1) / step * step, limit)
        case .amount:
            guard demand.isAmount else { throw ResourceShortage(.inAmounts, owner) }
            guard demand.amount < limit else {
                throw ResourceShortage(.outOfRange, owner, demand.amount / 8, UInt64(limit - 1) / 8)
            }
            return demand.amount
        }
    }

    public var isEmpty: Bool { classCount == 0 && monitor == 0 }

    /// Calls `body` with each register and its value, in the order in which they are written.
    @inline(never)
    public func forEachSetting(_ body: (UInt32, UInt64) -> Void) {
        if isEmpty { return }
        if classCount > 0 {
            if capabilities.l3.hasCodeAndData { body(Self.l3CodeAndData, 0) }
            if capabilities.l2.hasCodeAndData { body(Self.l2CodeAndData, 0) }
        }
        let limit = capabilities.bandwidth == .percent ? Self.delay : Self.limit
        for number in 0..<classCount {
            let n = UInt32(number)
            if capabilities.l3.ways > 0 { body(Self.l3Mask + n, UInt64(l3[number])) }
            if capabilities.l2.ways > 0 { body(Self.l2Mask + n, UInt64(l2[number])) }
            if capabilities.bandwidth != .none { body(limit + n, UInt64(bandwidth[number])) }
        }
        body(Self.association, UInt64(ownClass) << 32 | UInt64(monitor))
    }

    /// Whether every register holds what was written.
    public func holds(read: (UInt32) -> UInt64) -> Bool {
        var isSame = keyRegister == 0 || read(keyRegister) == keySetting
        forEachSetting { if read($0) != $1 { isSame = false } }
        return isSame
    }
}
