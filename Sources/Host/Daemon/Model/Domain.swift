import Control
import LibvirtWire

/// A partition, and the VM in it as clients see it: libvirt's domain.
final class Domain {
    /// How the domain came to be.
    enum Origin {
        /// Nobody has defined one: it is described as the machine tells it.
        case partition
        case defined(DomainDefinition)
        /// Until it stops. Without a definition: it was undefined while it ran, or something else started it.
        case transient(DomainDefinition?)
        /// There is none: it was undefined.
        case none
    }

    private(set) var name: String
    private(set) var uuid: WireUUID
    /// The partition's name.
    let partition: String
    var info: PartitionInfo
    var origin: Origin { didSet { rename() } }
    /// Whether what was saved of it has been read.
    var isLoaded = false
    /// Why what was saved of it is not what it is. It stays saved until somebody defines a domain whose `<resource>` names the
    /// partition.
    var leftOut: String?
    /// A client's `create` has asked for its start and is not answered yet.
    var isBeingCreated = false
    /// Started with the machine.
    var autostart = false
    /// A new one with each start; kept through a reset.
    var id: Int32 = -1
    private(set) var state: LibvirtState
    private var wasPaused = false
    /// Whether its guest has run since the domain was started: a start without a stop before is a reboot.
    private var hasRun: Bool
    private let ownUUID: WireUUID

    /// - Parameter uuid: as long as nobody has defined a domain with another one.
    init(uuid: WireUUID, partition: String, _ info: PartitionInfo) {
        (name, self.uuid, self.partition, self.info) = (partition, uuid, partition, info)
        (ownUUID, origin) = (uuid, .partition)
        state = LibvirtState(info.state, info.cause)
        hasRun = info.state == .running || info.state == .paused
    }

    private func rename() {
        (name, uuid) = definition.map { ($0.name, $0.uuid) } ?? (partition, ownUUID)
    }

    /// Whether a definition for another partition would make a second domain of a name or a UUID. A partition's own are kept for
    /// it, also while there is no domain in it.
    /// - Parameter isMove: the domain that has both moves to the other partition.
    func clashes(_ definition: DomainDefinition, isMove: Bool) -> Bool {
        if partition == definition.name || ownUUID == definition.uuid { return true }
        guard isThere else { return false }
        let (hasName, hasUUID) = (name == definition.name, uuid == definition.uuid)
        return isMove ? hasName != hasUUID : hasName || hasUUID
    }

    var definition: DomainDefinition? {
        switch origin {
        case .defined(let definition): definition
        case .transient(let definition): definition
        case .partition, .none: nil
        }
    }

    /// Whether clients see it.
    var isThere: Bool {
        if case .none = origin { return false }
        return true
    }

    /// Whether a client has defined it.
    var isDefined: Bool {
        if case .defined = origin { true } else { false }
    }

    /// Whether it is still there once it has stopped.
    var isPersistent: Bool {
        switch origin {
        case .partition, .defined: true
        case .transient, .none: false
        }
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
        // Somebody else has started a partition without a domain.
        if state.isActive, !isThere { origin = .transient(nil) }
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
