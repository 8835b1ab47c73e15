import Control
import ControlClient
import Inventory
import LibvirtWire

/// What is known of the machine: kept up by its events and by looking at its partitions. Used on the daemon's loop.
final class MachineModel {
    private(set) var info: MachineInfo?
    /// What the machine has.
    private(set) var inventory = Inventory(name: "", [])
    /// It, and its functions.
    private(set) var devices = NodeDevices(Inventory(name: "", []))
    /// All partitions, in the manifest's order.
    private(set) var partitions: [Domain] = []
    /// Why the machine does not answer; nil when it does.
    private(set) var trouble: String? = "the machine has not answered yet"
    /// By which of the link's connections it has answered.
    private(set) var connection = 0
    /// For the next domain that starts, if no other has it.
    var nextID: Int32 = 1
    /// Called with what has changed.
    var changed: (Domain, DomainChange) -> Void = { _, _ in }
    /// Called when the partitions were looked at.
    var refreshed: () -> Void = {}

    /// The domains that clients see.
    var domains: [Domain] { partitions.filter(\.isThere) }

    func take(_ news: MachineNews) {
        switch news {
        case .up(let info, let inventory, let partitions, let connection):
            let isSame = self.info?.name.string == info.name.string
            (self.info, self.connection, trouble) = (info, connection, nil)
            self.inventory = Inventory(name: info.name.string, inventory)
            devices = NodeDevices(self.inventory)
            // Another machine's partitions are others, whatever their names.
            if !isSame { remove(where: { _ in true }) }
            take(partitions)
        case .partitions(let partitions):
            trouble = nil
            take(partitions)
        case .event(let event):
            guard event.kind == .state, let domain = domain(partition: event.partition.string) else { return }
            take(event.state, event.cause, domain)
        case .down(let reason): trouble = reason
        }
    }

    private func take(_ list: [PartitionInfo]) {
        // No key path: the compiler (6.3.1) crashes on those through `Text`.
        let names = Set(list.map { $0.name.string })
        remove(where: { !names.contains($0.partition) })
        for partition in list {
            let name = partition.name.string
            if let domain = domain(partition: name) {
                take(partition.state, partition.cause, domain)
                domain.info = partition
            } else {
                let machine = info?.name.string ?? ""
                let domain = Domain(uuid: .named(machine, name), partition: name, partition)
                partitions.append(domain)
                setID(domain)
            }
        }
        refreshed()
    }

    private func take(_ state: PartitionState, _ cause: StateCause, _ domain: Domain) {
        let wasActive = domain.isActive
        let changes = domain.take(state, cause)
        setID(domain)
        for change in changes { changed(domain, change) }
        // What was there only while it ran is gone now; what is about to be started has not run yet.
        if wasActive, !domain.isActive, case .transient = domain.origin { domain.origin = .none }
    }

    private func remove(where isGone: (Domain) -> Bool) {
        let gone = partitions.filter(isGone)
        partitions.removeAll(where: isGone)
        for domain in gone where domain.isThere {
            if domain.isActive { changed(domain, .lifecycle(.stopped(.manager))) }
            changed(domain, .lifecycle(.undefined))
        }
    }

    private func setID(_ domain: Domain) {
        if !domain.isActive {
            domain.id = -1
        } else if domain.id < 0 {
            // There are fewer partitions than numbers.
            while partitions.contains(where: { $0.id == nextID }) { nextID = nextID.following }
            domain.id = nextID
            nextID = nextID.following
        }
    }

    func domain(partition: String) -> Domain? { partitions.first { $0.partition == partition } }

    /// Why nothing more can be asked of a partition; nil while it is the machine's. Another machine may have one of that name,
    /// and be of the same name itself.
    /// - Parameter connection: by which the machine had answered when the first was asked of the partition.
    func absence(of domain: Domain, since connection: Int) -> RemoteError? {
        guard self.domain(partition: domain.partition) === domain else {
            return RemoteError(.noDomain, "the machine has no partition '\(domain.partition)' any more")
        }
        guard self.connection != connection else { return nil }
        return RemoteError(.systemError, "the machine of partition '\(domain.partition)' has hung up")
    }

    /// - Throws: `RemoteError` of code `noDomain`.
    func domain(_ wire: WireDomain) throws(RemoteError) -> Domain {
        guard let domain = partitions.first(where: { $0.isThere && $0.uuid == wire.uuid }) else {
            throw Self.noDomain(wire)
        }
        return domain
    }

    static func noDomain(_ wire: WireDomain) -> RemoteError {
        RemoteError(.noDomain, "Domain not found: no domain with matching uuid '\(wire.uuid)' (\(wire.name))")
    }
}
