import Resources
import Text

extension Manifest {
    /// Refuses what this machine cannot divide or encrypt as partitions ask for.
    borrowing func checkResources(on machine: borrowing MachineFacts) throws(ManifestError) {
        if machine.resources != nil {
            for core in 0..<64 where machine.cores.contains(CoreSet(core: core)) {
                _ = try resources(of: core, on: machine)
            }
        }
        var required = 0
        for i in 0..<partitionCount where partitions[i].resources.memoryKey == .required {
            if let obstacle = machine.memoryKeys.obstacle {
                throw ManifestError(.noMemoryKeys, partition: i, value: UInt64(obstacle.rawValue))
            }
            required += 1
        }
        let keys = machine.memoryKeys.highest
        if keys > 0, required > keys {
            throw ManifestError(.tooFewMemoryKeys, value: UInt64(required), bound: UInt64(keys))
        }
    }

    /// The key with which a partition's memory is encrypted: those that require one come first. Where the machine has one key, it is
    /// everybody's: nobody is asked to do without what costs nothing to have.
    public borrowing func memoryKey(of partition: Int, on machine: borrowing MachineFacts) -> MemoryKeyChoice {
        let demand = partitions[partition].resources.memoryKey
        guard machine.memoryKeys.machineBit == 0 else { return .machine }
        guard demand != .none, machine.memoryKeys.obstacle == nil else { return .none }
        var number = 1
        for i in 0..<partitionCount {
            let other = partitions[i].resources.memoryKey
            if other.rawValue > demand.rawValue || other == demand && i < partition { number += 1 }
        }
        return number <= machine.memoryKeys.highest ? .own(UInt32(number)) : .none
    }

    /// What a core writes before its first entry. Nothing where it is nobody's. Who has cores in a domain has a number there: a
    /// partition its index, the housekeeping core 8 where it is no partition's.
    public borrowing func resources(
        of core: Int, on machine: borrowing MachineFacts
    ) throws(ManifestError) -> CoreResources {
        var resources = CoreResources()
        guard let capabilities = machine.resources, let own = resourceOwner(ofCore: core) else { return resources }
        var demands = [9 of ResourceDemand](repeating: ResourceDemand()), neighbours: UInt16 = 0
        for other in 0..<64 where machine.lastLevelCaches[other] == machine.lastLevelCaches[core] {
            guard let owner = resourceOwner(ofCore: other) else { continue }
            let isPartition = owner < Self.maxPartitions
            demands[owner] = isPartition ? partitions[owner].resources : housekeepingResources
            if isPartition, partitions[owner].accepts.contains(.sharedCache) {
                demands[owner].drop(where: capabilities)
            }
            if machine.secondLevelCaches[other] == machine.secondLevelCaches[core] { neighbours |= 1 << UInt16(owner) }
        }
        let l3 = try CacheMasks(capabilities.l3, level: 3) { demands[$0].l3 }
        let l2 = try CacheMasks(capabilities.l2, level: 2) {
            neighbours >> UInt16($0) & 1 != 0 ? demands[$0].l2 : .none
        }
        if own < Int(capabilities.highestMonitor) { resources.association = UInt64(own) + 1 }
        var number: UInt32 = 0
        for owner in 0...Self.maxPartitions where demands[owner].needsClass {
            number += 1
            guard number <= capabilities.highestClass else {
                throw ManifestError(
                    .tooFewClasses, owner: owner, UInt64(number) + 1, UInt64(capabilities.highestClass) + 1)
            }
            let limit = try Self.limit(demands[owner].bandwidth, of: owner, capabilities)
            resources.add(class: number, l3: l3.own[owner], l2: l2.own[owner], bandwidth: limit, capabilities)
            if owner == own { resources.association |= UInt64(number) << 32 }
        }
        let limit = try Self.limit(.none, of: own, capabilities)
        if number > 0 { resources.add(class: 0, l3: l3.rest, l2: l2.rest, bandwidth: limit, capabilities) }
        if own < Self.maxPartitions, memoryKey(of: own, on: machine) != .none {
            resources.key = (machine.memoryKeys.register, machine.memoryKeys.setting)
        }
        return resources
    }

    /// What a limit's register holds.
    private static func limit(
        _ demand: BandwidthDemand, of owner: Int, _ capabilities: ResourceCapabilities
    ) throws(ManifestError) -> UInt32 {
        let limit = capabilities.bandwidthLimit, percent = UInt32(demand.rawValue)
        switch capabilities.bandwidth {
        case _ where demand == .none: return capabilities.bandwidth == .amount ? limit : 0
        case .none: throw ManifestError(.bandwidthUnlimited, owner: owner)
        case .percent:
            guard !demand.isAmount else { throw ManifestError(.bandwidthInPercent, owner: owner) }
            guard 100 - percent <= limit else {
                throw ManifestError(.bandwidthOutOfRange, owner: owner, UInt64(percent), UInt64(100 - limit))
            }
            // Delays have steps; a limit is kept from below.
            let step = 100 - limit
            return min((100 - percent + step - 1) / step * step, limit)
        case .amount:
            guard demand.isAmount else { throw ManifestError(.bandwidthInAmounts, owner: owner) }
            guard demand.amount < limit else {
                throw ManifestError(
                    .bandwidthOutOfRange, owner: owner, UInt64(demand.amount / 8), UInt64(limit - 1) / 8)
            }
            return demand.amount
        }
    }

    /// The partition whose core it is, else who answers managers; nil where it is nobody's.
    private borrowing func resourceOwner(ofCore core: Int) -> Int? {
        if let partition = owner(ofCore: core) { return partition }
        return core == housekeeping ? Self.maxPartitions : nil
    }
}
