import Control
import ControlClient
import LibvirtWire

/// What is known of the machine: kept up by its events and by looking at its partitions. Used on the daemon's loop.
final class MachineModel {
    private(set) var info: MachineInfo?
    private(set) var inventory: [InventoryItem] = []
    /// In the manifest's order.
    private(set) var domains: [Domain] = []
    /// Why the machine does not answer; nil when it does.
    private(set) var trouble: String? = "the machine has not answered yet"
    private var nextID: Int32 = 1
    /// Called with what has changed.
    var changed: (Domain, DomainChange) -> Void = { _, _ in }
    /// Called when the partitions were looked at.
    var refreshed: () -> Void = {}

    func take(_ news: MachineNews) {
        switch news {
        case .up(let info, let inventory, let partitions):
            (self.info, self.inventory, trouble) = (info, inventory, nil)
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

    private func take(_ partitions: [PartitionInfo]) {
        for partition in partitions {
            let name = partition.name.string
            if let domain = domain(partition: name) {
                take(partition.state, partition.cause, domain)
                domain.info = partition
            } else {
                let machine = info?.name.string ?? ""
                let domain = Domain(name: name, uuid: .named(machine, name), partition: name, partition)
                domains.append(domain)
                setID(domain)
            }
        }
        refreshed()
    }

    private func take(_ state: PartitionState, _ cause: StateCause, _ domain: Domain) {
        let changes = domain.take(state, cause)
        setID(domain)
        for change in changes { changed(domain, change) }
    }

    private func setID(_ domain: Domain) {
        if !domain.isActive {
            domain.id = -1
        } else if domain.id < 0 {
            domain.id = nextID
            nextID += 1
        }
    }

    func domain(partition: String) -> Domain? { domains.first { $0.partition == partition } }

    /// - Throws: `RemoteError` of code `noDomain`.
    func domain(_ wire: WireDomain) throws(RemoteError) -> Domain {
        guard let domain = domains.first(where: { $0.uuid == wire.uuid }) else {
            throw RemoteError(
                .noDomain, "Domain not found: no domain with matching uuid '\(wire.uuid)' (\(wire.name))")
        }
        return domain
    }
}
