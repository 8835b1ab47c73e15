import Control
import LibvirtWire

/// A VM as clients see it: libvirt's domain, in the partition that it runs in.
final class Domain {
    let name: String
    let uuid: WireUUID
    /// The partition's name.
    let partition: String
    var info: PartitionInfo
    /// A new one with each start; kept through a reset.
    var id: Int32 = -1
    private(set) var state: LibvirtState
    private var wasPaused = false
    /// Whether its guest has run since the domain was started: a start without a stop before is a reboot.
    private var hasRun: Bool

    init(name: String, uuid: WireUUID, partition: String, _ info: PartitionInfo) {
        (self.name, self.uuid, self.partition, self.info) = (name, uuid, partition, info)
        state = LibvirtState(info.state, info.cause)
        hasRun = info.state == .running || info.state == .paused
    }

    var wire: WireDomain { WireDomain(name: name, uuid: uuid, id: id) }
    var isActive: Bool { state.isActive }

    /// Takes a state that the machine has told; returns what has changed.
    func take(_ new: PartitionState, _ cause: StateCause) -> [DomainChange] {
        let before = info.state
        (info.state, info.cause) = (new, cause)
        guard before != new else { return [] }
        let wasUp = state.isActive
        wasPaused = new == .running && before == .paused
        state = LibvirtState(new, cause, wasPaused: wasPaused)
        switch (before, new) {
        case (.paused, .running): return [.lifecycle(.resumed)]
        case (_, .paused): return [.lifecycle(.suspended)]
        case (_, .running):
            defer { hasRun = true }
            return [hasRun ? .rebooted : .lifecycle(.started)]
        case (_, .stopped), (_, .crashed):
            hasRun = false
            return wasUp ? [.lifecycle(.stopped(cause))] : []
        case (_, .starting), (_, .stopping): return []
        }
    }
}
