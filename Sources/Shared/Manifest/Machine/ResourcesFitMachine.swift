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

    /// The key with which a partition's memory is encrypted: those that require one come first.
    public borrowing func memoryKey(of partition: Int, on machine: borrowing MachineFacts) -> MemoryKeyChoice {
        let demand = partitions[partition].resources.memoryKey
        guard demand != .none else { return .none }
        guard machine.memoryKeys.obstacle == nil else { return machine.memoryKeys.machineBit != 0 ? .machine : .none }
        var number = 1
        for i in 0..<partitionCount {
            let other = partitions[i].resources.memoryKey
            if other.rawValue > demand.rawValue || other == demand && i < partition { number += 1 }
        }
        return number <= machine.memoryKeys.highest ? .own(UInt32(number)) : .none
    }

    /// What a core writes before its first entry. Nothing where it is nobody's.
    public borrowing func resources(
        of core: Int, on machine: borrowing MachineFacts
    ) throws(ManifestError) -> CoreResources {
        guard let capabilities = machine.resources, let owner = resourceOwner(ofCore: core) else {
            return CoreResources()
        }
        var domain = DomainOwners(), neighbours = DomainOwners()
        for other in 0..<64 {
            guard let found = resourceOwner(ofCore: other) else { continue }
            if machine.lastLevelCaches[other] == machine.lastLevelCaches[core] { domain.insert(found) }
            if machine.secondLevelCaches[other] == machine.secondLevelCaches[core] { neighbours.insert(found) }
        }
        var demands = [9 of ResourceDemand](repeating: ResourceDemand())
        for i in 0..<partitionCount where domain.contains(i) {
            demands[i] = partitions[i].resources
            if partitions[i].accepts.contains(.sharedCache) { demands[i].drop(where: capabilities) }
        }
        if domain.contains(DomainOwners.housekeeping) { demands[DomainOwners.housekeeping] = housekeepingResources }
        do throws(ResourceShortage) {
            var resources = try CoreResources(capabilities, owner: owner, neighbours: neighbours, demands)
            if hasMemoryKeys(on: machine) {
                (resources.keyRegister, resources.keySetting) = (
                    machine.memoryKeys.register, machine.memoryKeys.setting
                )
            }
            return resources
        } catch {
            throw ManifestError(
                ManifestError.Reason(rawValue: error.kind.rawValue) ?? .cacheUndivided,
                partition: error.owner < Self.maxPartitions ? error.owner : nil, value: error.value, bound: error.bound)
        }
    }

    private borrowing func hasMemoryKeys(on machine: borrowing MachineFacts) -> Bool {
        for i in 0..<partitionCount where memoryKey(of: i, on: machine) != .none { return true }
        return false
    }

    /// The partition whose core it is, else who answers managers; nil where it is nobody's.
    private borrowing func resourceOwner(ofCore core: Int) -> Int? {
        if let partition = owner(ofCore: core) { return partition }
        return core == housekeeping ? DomainOwners.housekeeping : nil
    }
}
