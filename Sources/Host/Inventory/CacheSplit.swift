import Manifest
import ManifestFile
import Resources

extension Planner {
    /// Gives each partition ways of the last-level caches that its cores share with others': in proportion to its cores. What is left is
    /// housekeeping's. Nothing where somebody has asked for ways, where they cannot be divided, or there are too few of them.
    func divideCaches(_ manifest: Manifest) -> Manifest {
        guard let cache = inventory.allocation?.l3, manifest.partitionList.allSatisfy({ $0.resources.l3 == .none })
        else { return manifest }
        var ways: [Int: Int] = [:]
        for cores in sharedCaches(manifest).values {
            let sharers = cores.filter { $0.key < Manifest.maxPartitions }, all = cores.values.reduce(0, +)
            for (owner, count) in sharers {
                let part = max(cache.freeWays * count / all, 1)
                ways[owner] = min(ways[owner] ?? part, part)
            }
        }
        var divided = manifest
        for (owner, count) in ways {
            guard let demand = CacheDemand(rawValue: UInt16(clamping: count)) else { return manifest }
            divided.partitions[owner].resources.l3 = demand
        }
        // There may be fewer ways, or classes, than partitions.
        do throws(ManifestError) { try divided.check(against: inventory.facts) } catch { return manifest }
        return divided
    }

    /// What is shared though somebody may want it to be his own.
    func cacheNotes(_ manifest: Manifest) -> [String] {
        let names = sharedCaches(manifest).sorted { $0.key < $1.key }.compactMap { _, cores -> String? in
            let names = cores.keys.filter { $0 < Manifest.maxPartitions }.sorted()
                .filter { manifest.partitions[$0].resources.l3 == .none }
                .map { "\"\(manifest.partitions[$0].name.string)\"" }
            return names.count < 2 ? nil : "partitions \(names.joined(separator: " and ")) share a last-level cache"
        }
        let reason: String
        switch inventory.allocation {
        case nil: reason = "whether it can be divided is not known"
        case let found? where found.l3 == nil: reason = "which this machine cannot divide"
        default: reason = "whose ways are not divided among them"
        }
        return names.map { "\($0), \(reason): each slows the other down" }
    }

    /// Of each last-level cache, by its lowest core, how many cores those have who share it with somebody: partitions by index, housekeeping,
    /// where it has a core of its own, behind them.
    private func sharedCaches(_ manifest: Manifest) -> [Int: [Int: Int]] {
        var found: [Int: [Int: Int]] = [:]
        let last = inventory.caches.map(\.level).max() ?? 0
        for cache in inventory.caches where cache.level == last && cache.type != "instruction" {
            var owners: [Int: Int] = [:]
            for core in cache.cores {
                let set = CoreSet(core: core)
                let partition = set.isEmpty ? nil : manifest.partitionList.firstIndex { $0.cores.contains(set) }
                let owner = partition ?? (core == manifest.housekeeping ? Manifest.maxPartitions : nil)
                if let owner { owners[owner, default: 0] += 1 }
            }
            if owners.count > 1 { found[cache.cores.min() ?? 0] = owners }
        }
        return found
    }
}

extension Inventory.Allocation.Cache {
    /// Ways that can be somebody's own: the longer end of the cache beside those that devices fill, or all but one.
    var freeWays: Int {
        let all = ways >= 32 ? UInt32.max : 1 << UInt32(max(ways, 0)) - 1, shared = sharedWays & all
        return shared == 0 ? ways - 1 : max(shared.trailingZeroBitCount, ways - 32 + shared.leadingZeroBitCount)
    }
}
