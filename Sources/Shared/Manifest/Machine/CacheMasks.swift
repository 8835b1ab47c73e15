import Resources

/// One cache, cut: nobody's ways are another's, and whoever asked for none shares the rest. All are taken from one end, so that
/// every mask is in one piece.
struct CacheMasks {
    /// Of each owner's class: its own ways, else the rest.
    private(set) var own = [9 of UInt32](repeating: 0)
    /// Of class 0: of everybody else. Never empty where there are ways.
    let rest: UInt32

    /// - Parameter demand: of an owner who is in the domain; `none` of others.
    init(_ cache: CacheAllocation, level: UInt64, _ demand: (Int) -> CacheDemand) throws(ManifestError) {
        let ways = cache.ways, all = ways >= 32 ? UInt32.max : 1 << ways - 1
        // What devices fill is left for the rest, and with it the end that is nearer. Where they fill nothing, the rest keeps one
        // way.
        let shared = cache.shared & all == 0 ? all & ~(all >> 1) : cache.shared & all
        let below = UInt32(shared.trailingZeroBitCount), above = ways &- UInt32(32 - shared.leadingZeroBitCount)
        let fromTop = above > below, free = ways == 0 ? 0 : max(above, below)
        var taken: UInt32 = 0, isAllTaken = false
        // Who wants all that is left comes last.
        for pass in 0..<2 {
            for owner in 0...Manifest.maxPartitions
            where demand(owner) != .none && (demand(owner) == .exclusive) == (pass == 1) {
                guard ways > 0 else { throw ManifestError(.cacheUndivided, owner: owner, level) }
                guard !isAllTaken else { throw ManifestError(.cacheTakenTwice, owner: owner, level) }
                let left = free - taken, count = pass == 0 ? demand(owner).ways(of: ways) : max(left, 1)
                guard count <= left else {
                    throw ManifestError(.tooFewWays, owner: owner, UInt64(count), level << 32 | UInt64(left))
                }
                own[owner] = (count >= 32 ? .max : 1 << count - 1) << (fromTop ? ways - taken - count : taken)
                taken += count
                isAllTaken = pass == 1
            }
        }
        rest = fromTop ? all >> taken : all & all << taken
        for owner in 0...Manifest.maxPartitions where own[owner] == 0 { own[owner] = rest }
    }
}

extension ManifestError {
    /// - Parameter owner: of caches and bandwidth (`Manifest.resources`).
    init(_ reason: Reason, owner: Int, _ value: UInt64 = 0, _ bound: UInt64 = 0) {
        self.init(reason, partition: owner < Manifest.maxPartitions ? owner : nil, value: value, bound: bound)
    }
}
