import Manifest
import ManifestFile
import ManifestRules
import PCI

/// Makes a manifest out of demands and what a machine has.
public struct Planner {
    let inventory: Inventory
    /// The core that answers managers.
    let housekeeping: Int

    public init(_ inventory: Inventory, housekeeping: Int = 0) {
        self.inventory = inventory
        self.housekeeping = housekeeping
    }

    /// Why there is no plan, in one sentence: the hypervisor's own where it would refuse too.
    public struct Refused: Error, CustomStringConvertible, Equatable {
        public var description: String
    }

    /// How a manager reaches the hypervisor.
    public var link = ManagementLink.serial

    /// What the reader of a plan has to know.
    public func notes(_ manifest: Manifest) -> [String] {
        var notes: [String] = []
        let shared = manifest.partitionList.first { $0.cores.contains(CoreSet(core: manifest.housekeeping)) }
        if let shared {
            notes.append(
                "partition \"\(shared.name.string)\" shares core \(manifest.housekeeping) with housekeeping, since no other "
                    + "is left: requests of managers interrupt its guest")
        }
        notes += cacheNotes(manifest)
        if manifest.link == .none { notes.append("without a link nobody can ask the hypervisor for anything") }
        return notes
    }

    /// A manifest that validates and that this machine passes. Partitions get whole physical cores, of one package and
    /// one last-level cache where they fit; the housekeeping core only when no other is left; ways of caches that they share. Each device gets the id
    /// that is found there, so that a card in the wrong slot is noticed.
    public func manifest(name: String, _ demands: [PartitionDemand]) throws(Refused) -> Manifest {
        var manifest = Manifest()
        guard let label = Label(name) else { throw Refused(description: "the name \(quoted(name)) is too long") }
        manifest.name = label
        manifest.housekeeping = housekeeping
        manifest.link = link
        let cores = try chooseCores(demands)
        let facts = inventory.facts
        for (demand, chosen) in zip(demands, cores) {
            var spec = demand.spec
            spec.cores = chosen
            for i in 0..<spec.devices.count {
                try requireOwnable(spec.devices[i].address, spec.name.string)
                identify(&spec.devices[i])
            }
            guard manifest.append(spec) else {
                let most = Manifest.maxPartitions
                throw Refused(description: "there are \(demands.count) partitions; the most is \(most)")
            }
            manifest.addConsole(manifest.partitionCount - 1)
            manifest.machineCores = max(manifest.machineCores, chosen.last + 1)
            manifest.machineMemory += min(spec.memorySize, Manifest.addressLimit)
        }
        manifest.machineCores = max(manifest.machineCores, housekeeping + 1)
        do throws(ManifestRefusal) { try manifest.validate() } catch {
            throw Refused(description: error.sentence(manifest))
        }
        do throws(ManifestError) { try manifest.check(against: facts) } catch {
            throw Refused(description: error.sentence(manifest, on: facts))
        }
        return divideCaches(manifest)
    }

    /// Refuses a function of which the inventory knows that no partition can own it.
    private func requireOwnable(_ address: FunctionAddress, _ partition: String) throws(Refused) {
        guard let problem = inventory.functions.first(where: { $0.address == address.text })?.problem else { return }
        throw Refused(
            description: "function \(address.text) of partition \"\(partition)\" cannot be owned: \(problem)")
    }

    private func identify(_ device: inout DeviceSpec) {
        let text = device.address.text
        if let found = inventory.functions.first(where: { $0.address == text }), found.physicalFunction == nil,
            let id = try? parseIdentifier(found.id)
        {
            (device.vendor, device.device) = id
        }
    }

    /// The threads of one physical core, in rising order.
    private typealias Physical = [Int]

    private func chooseCores(_ demands: [PartitionDemand]) throws(Refused) -> [CoreSet] {
        // What a set of cores has no room for, no manifest can name.
        let usable = inventory.cores.filter { !CoreSet(core: $0.index).isEmpty }
        let places = Dictionary(grouping: usable) { [$0.package, cluster(of: $0.index), $0.core] }
        var free: [(place: [Int], threads: Physical)] = places.map { ($0.key, $0.value.map(\.index).sorted()) }
        free.sort { ($0.place[0], $0.place[1], $0.threads[0]) < ($1.place[0], $1.place[1], $1.threads[0]) }
        // Last, so that it is taken when nothing else is left.
        if let own = free.firstIndex(where: { $0.threads.contains(housekeeping) }) { free.append(free.remove(at: own)) }
        var chosen = [CoreSet](repeating: CoreSet(), count: demands.count)
        // The largest first; equals as they were asked for.
        let order = demands.indices.sorted { (-demands[$0].cores, $0) < (-demands[$1].cores, $1) }
        for index in order {
            let wanted = demands[index].cores
            var left = wanted
            let name = demands[index].spec.name.string
            for place in homes(free.map(\.place), free.map(\.threads.count), wanted) where left > 0 {
                guard let position = free.firstIndex(where: { $0.place == place }) else { continue }
                var threads = free.remove(at: position).threads
                // A partition with housekeeping's physical core has the housekeeping core first.
                threads.sort { ($0 == housekeeping ? -1 : $0) < ($1 == housekeeping ? -1 : $1) }
                for thread in threads.prefix(left) { chosen[index].insert(CoreSet(core: thread)) }
                left -= min(left, threads.count)
            }
            guard left == 0 else {
                let count = wanted - left
                throw Refused(
                    description: "partition \"\(name)\" needs \(wanted) cores; \(count) are left, since threads of one "
                        + "physical core are not split between partitions")
            }
        }
        return chosen
    }

    /// Where to take cores from, in this order: from the last-level cache with the least that is enough, else from the
    /// package with the least that is enough, else from wherever there are some.
    private func homes(_ places: [[Int]], _ threads: [Int], _ wanted: Int) -> [[Int]] {
        // Housekeeping's physical core is not counted as room.
        let own = inventory.cores.first { $0.index == housekeeping }.map {
            [$0.package, cluster(of: $0.index), $0.core]
        }
        for depth in [2, 1] {
            var room: [[Int]: Int] = [:]
            for (place, count) in zip(places, threads) where place != own {
                room[Array(place.prefix(depth)), default: 0] += count
            }
            let enough = room.filter { $0.value >= wanted }
            let best = enough.min {
                ($0.value, $0.key[0], $0.key[depth - 1]) < ($1.value, $1.key[0], $1.key[depth - 1])
            }
            if let best { return places.filter { Array($0.prefix(depth)) == best.key && $0 != own } }
        }
        return places
    }

    /// The lowest core that shares the last-level cache.
    private func cluster(of core: Int) -> Int {
        let sharing = inventory.caches.filter { $0.cores.contains(core) }.max { $0.level < $1.level }
        return sharing?.cores.first ?? 0
    }
}
