/// Why demands cannot be met: what a manifest's refusal (`ManifestError`) needs.
public struct ResourceShortage: Error, Equatable, Sendable {
    /// The refusals' numbers.
    public enum Kind: UInt8, Sendable {
        case undivided = 120, tooFewWays, takenTwice, unlimited, inPercent, inAmounts, outOfRange, tooFewClasses
    }

    public let kind: Kind
    /// Whose demand it is (`DomainOwners`).
    public let owner: Int
    public let value: UInt64
    public let bound: UInt64

    init(_ kind: Kind, _ owner: Int, _ value: UInt32 = 0, _ bound: UInt64 = 0) {
        (self.kind, self.owner, self.value, self.bound) = (kind, owner, UInt64(value), bound)
    }
}

/// Who has cores in a domain, a bit each: partitions by their index, then the housekeeping core where it is nobody's.
public struct DomainOwners: Equatable, Sendable {
    public static let count = 9
    public static let housekeeping = 8
    public private(set) var bits: UInt16 = 0
    public init() {}
    public mutating func insert(_ owner: Int) { bits |= 1 << UInt16(owner) }
    public func contains(_ owner: Int) -> Bool { bits >> UInt16(owner) & 1 != 0 }
}

/// One cache, cut: nobody's ways are another's, and whoever asked for none shares the rest.
public struct CacheMasks: Sendable {
    /// By owner; 0 where nothing is asked for.
    public private(set) var own = [9 of UInt32](repeating: 0)
    /// Of class 0: of everybody else. Never empty.
    public private(set) var rest: UInt32

    /// - Parameter demand: of an owner who is in the domain; `none` of others.
    init(
        _ cache: CacheAllocation, level: UInt32, _ demand: (Int) -> CacheDemand
    ) throws(ResourceShortage) {
        let all = cache.ways >= 32 ? UInt32.max : 1 << cache.ways - 1, shared = cache.shared & all
        // What devices fill is left for the rest: at one end, so that the rest stays in one piece. Where they fill nothing,
        // the rest keeps one way.
        let isShared = shared != 0, fromTop = isShared && shared.trailingZeroBitCount < Int(cache.ways / 2)
        var free = all & ~(isShared ? shared : all & ~(all >> 1))
        var greedy: Int?
        for owner in 0..<DomainOwners.count where demand(owner) != .none {
            guard cache.ways > 0 else { throw ResourceShortage(.undivided, owner, level) }
            if demand(owner) == .exclusive {
                guard greedy == nil else { throw ResourceShortage(.takenTwice, owner, level) }
                greedy = owner
                continue
            }
            let wanted = demand(owner).ways(of: cache.ways)
            guard let mask = Self.run(of: wanted, in: free, fromTop: fromTop) else {
                throw ResourceShortage(
                    .tooFewWays, owner, wanted, UInt64(level) << 32 | UInt64(Self.longestRun(in: free)))
            }
            own[owner] = mask
            free &= ~mask
        }
        if let greedy {
            guard let mask = Self.run(of: Self.longestRun(in: free), in: free, fromTop: fromTop) else {
                throw ResourceShortage(.tooFewWays, greedy, 1, UInt64(level) << 32)
            }
            own[greedy] = mask
        }
        rest = all
        for owner in 0..<DomainOwners.count { rest &= ~own[owner] }
        if !cache.allowsGaps, let run = Self.run(of: Self.longestRun(in: rest), in: rest, fromTop: !fromTop) {
            rest = run
        }
    }

    /// So many ones next to each other; nil where there are no such.
    private static func run(of count: UInt32, in mask: UInt32, fromTop: Bool) -> UInt32? {
        var starts = mask
        for _ in 1..<max(count, 1) { starts &= starts >> 1 }
        guard count > 0, starts != 0 else { return nil }
        let first = UInt32(fromTop ? 31 - starts.leadingZeroBitCount : starts.trailingZeroBitCount)
        return (count >= 32 ? UInt32.max : 1 << count - 1) << first
    }

    private static func longestRun(in mask: UInt32) -> UInt32 {
        var rest = mask, count: UInt32 = 0
        while rest != 0 {
            rest &= rest >> 1
            count += 1
        }
        return count
    }
}
