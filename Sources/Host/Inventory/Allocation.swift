import Manifest
import ManifestFile
import ManifestRules
import Resources

extension Inventory {
    /// What the processor divides among partitions, in the words of Linux's resctrl and of libvirt's capabilities.
    public struct Allocation: Codable, Equatable, Sendable {
        public struct Cache: Codable, Equatable, Sendable {
            public var ways: Int
            /// Ways that devices or graphics fill too, a bit each.
            public var sharedWays: UInt32
            /// Classes of service, that of everybody else among them.
            public var classes: Int
            /// Whether the ways of a class may have gaps between them.
            public var gaps: Bool
        }

        public struct Bandwidth: Codable, Equatable, Sendable {
            /// `percent` or `GB/s`.
            public var unit: String
            /// The least limit, also the step; and the most, in that unit.
            public var least: Double
            public var most: Double
            public var classes: Int
        }

        public var l3: Cache?
        public var l2: Cache?
        public var bandwidth: Bandwidth?
        /// How many partitions can be counted apart (monitor ids).
        public var monitors: Int
        /// `occupancy`, `total`, `local`: what is counted.
        public var counters: [String]
    }

    /// Tells the check of a manifest what there is; nothing where that is not known.
    func describeResources(in facts: inout MachineFacts) {
        for level in [3, 2] {
            for cache in caches
            where cache.type != "instruction" && (cache.level == level || level == 3 && isLast(cache)) {
                guard let lowest = cache.cores.min(), 0..<64 ~= lowest else { continue }
                for core in cache.cores where 0..<64 ~= core {
                    if level == 3 { facts.lastLevelCaches[core] = UInt8(lowest) }
                    if level == 2 { facts.secondLevelCaches[core] = UInt8(lowest) }
                }
            }
        }
        facts.resources = allocation?.capabilities
        facts.memoryKeys = MemoryKeys(
            highest: UInt32(clamping: memoryKeys ?? 0),
            obstacle: memoryKeys == 0 ? MemoryKeyObstacle(words: memoryKeyProblem) : nil)
    }

    private func isLast(_ cache: Cache) -> Bool { cache.level == caches.map(\.level).max() }

    var allocationText: [String] {
        var lines = ["", "Division of caches and bandwidth"]
        guard let allocation else { return lines + ["  not known; bulkhead inventory of a running hypervisor has it"] }
        for (name, cache) in [("L3", allocation.l3), ("L2", allocation.l2)] {
            guard let cache else { continue }
            let shared = cache.sharedWays.nonzeroBitCount
            lines.append(
                "  \(name): \(cache.ways) ways, \(cache.classes) classes"
                    + (shared == 0 ? "" : "; \(shared) ways are filled by devices too and given to nobody"))
        }
        if let bandwidth = allocation.bandwidth {
            let unit = bandwidth.unit == "percent" ? "%" : " \(bandwidth.unit)"
            lines.append(
                "  memory bandwidth: \(plain(bandwidth.least))\(unit) to \(plain(bandwidth.most))\(unit), \(bandwidth.classes) classes"
            )
        }
        if allocation.l3 == nil, allocation.l2 == nil, allocation.bandwidth == nil {
            lines.append("  none: partitions share them")
        }
        if allocation.monitors > 0 {
            lines.append("  counted for each partition: \(allocation.counters.joined(separator: ", "))")
        }
        if let memoryKeys, memoryKeys > 0 { lines.append("  memory keys: \(memoryKeys)") }
        if let memoryKeyProblem { lines.append("  memory keys: none: \(memoryKeyProblem)") }
        return lines
    }

    private func plain(_ value: Double) -> String { Int(exactly: value).map { "\($0)" } ?? "\(value)" }
}

extension Inventory.Allocation {
    static let counterNames = ["occupancy", "total", "local"]

    init(_ found: ResourceCapabilities) {
        func cache(_ cache: CacheAllocation) -> Cache? {
            guard cache.ways > 0 else { return nil }
            return Cache(
                ways: Int(cache.ways), sharedWays: cache.shared, classes: Int(cache.highestClass) + 1,
                gaps: cache.allowsGaps)
        }
        l3 = cache(found.l3)
        l2 = cache(found.l2)
        let classes = Int(found.highestBandwidthClass) + 1
        bandwidth =
            switch found.bandwidth {
            case .none: nil
            case .percent:
                Bandwidth(unit: "percent", least: Double(100 - found.bandwidthLimit), most: 100, classes: classes)
            case .amount:
                Bandwidth(unit: "GB/s", least: 0.125, most: Double(found.bandwidthLimit - 1) / 8, classes: classes)
            }
        monitors = Int(found.highestMonitor)
        counters = Self.counterNames.enumerated().filter { found.counters >> UInt32($0.offset) & 1 != 0 }.map(\.element)
    }

    /// As CPUID says it.
    var capabilities: ResourceCapabilities {
        var found = ResourceCapabilities()
        func allocation(_ cache: Cache?) -> CacheAllocation {
            var allocation = CacheAllocation()
            guard let cache, 1...32 ~= cache.ways else { return allocation }
            (allocation.ways, allocation.shared) = (UInt32(cache.ways), cache.sharedWays)
            allocation.highestClass = UInt32(clamping: max(cache.classes, 1) - 1)
            allocation.allowsGaps = cache.gaps
            return allocation
        }
        (found.l3, found.l2) = (allocation(l3), allocation(l2))
        found.highestMonitor = UInt32(clamping: monitors)
        guard let bandwidth, bandwidth.most.isFinite, bandwidth.least.isFinite else { return found }
        found.highestBandwidthClass = UInt32(clamping: max(bandwidth.classes, 1) - 1)
        if bandwidth.unit == "percent" {
            found.bandwidth = .percent
            found.bandwidthLimit = UInt32(100 - min(max(bandwidth.least, 1), 100))
        } else {
            found.bandwidth = .amount
            found.bandwidthLimit = UInt32(min(max(bandwidth.most, 0.125), 4095) * 8) + 1
        }
        return found
    }

    /// What Linux's resctrl says, where it is mounted; where no feature is there, that there is nothing.
    init?(linux tree: FileTree, _ features: [String], isAMD: Bool = false) {
        let info = "sys/fs/resctrl/info"
        self.init(ResourceCapabilities())
        guard ["cat_l3", "cat_l2", "mba"].contains(where: features.contains) else { return }
        guard !tree.names(info).isEmpty else { return nil }
        func number(_ path: String, radix: Int = 10) -> Int? {
            tree.text("\(info)/\(path)").flatMap { Int($0, radix: radix) }
        }
        func cache(_ name: String) -> Cache? {
            guard let mask = number("\(name)/cbm_mask", radix: 16), mask > 0, mask < 1 << 32 else { return nil }
            return Cache(
                ways: mask.nonzeroBitCount,
                sharedWays: UInt32(clamping: number("\(name)/shareable_bits", radix: 16) ?? 0),
                classes: number("\(name)/num_closids") ?? 1, gaps: number("\(name)/sparse_masks") == 1)
        }
        (l3, l2) = (cache("L3"), cache("L2"))
        let classes = number("MB/num_closids") ?? 1
        if isAMD, number("MB/bandwidth_gran") != nil {
            bandwidth = Bandwidth(unit: "GB/s", least: 0.125, most: 255.875, classes: classes)
        } else if let step = number("MB/bandwidth_gran"), let least = number("MB/min_bandwidth"), least > 0,
            number("MB/delay_linear") == 1
        {
            // Intel's delays that are no percentages promise nothing: the boot refuses them.
            bandwidth = Bandwidth(unit: "percent", least: Double(max(step, least)), most: 100, classes: classes)
        }
        monitors = max(number("L3_MON/num_rmids") ?? 1, 1) - 1
        let counted = tree.text("\(info)/L3_MON/mon_features") ?? ""
        let names = [("llc_occupancy", "occupancy"), ("mbm_total_bytes", "total"), ("mbm_local_bytes", "local")]
        counters = names.filter { counted.contains($0.0) }.map(\.1)
    }
}

extension MemoryKeyObstacle {
    /// By its words; `absent` for others.
    init(words: String?) {
        self =
            (0...UInt8.max).lazy.compactMap { MemoryKeyObstacle(rawValue: $0) }.first { $0.words.description == words }
            ?? .absent
    }
}

extension Manifest {
    /// Whether anybody asks for parts of caches or bandwidth.
    var asksForResources: Bool {
        housekeepingResources.needsClass || partitionList.contains { $0.resources.needsClass }
    }
}
