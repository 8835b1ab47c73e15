import Manifest
import Text

/// What a manager may ask: the table of operations. Codec, server, the names in the manifest and the tool follow
/// `description`. The raw values travel on the link and never change. (In brackets: libvirt's name.)
public enum ControlOperation: UInt8, Sendable {
    /// What machine and hypervisor is this? (`virConnectGetVersion`, `virNodeGetInfo`)
    case hello = 0
    /// All partitions. (`virConnectListAllDomains`, `virDomainGetInfo`)
    case list = 1
    /// Exits by reason, for each vCPU of a partition. (`virDomainGetStats`)
    case statistics = 2
    /// (`virDomainOpenConsole`)
    case consoleRead = 3
    case consoleWrite = 4
    /// (`virDomainCreate`)
    case start = 5
    /// At once, without asking the guest. (`virDomainDestroy`)
    case stop = 6
    /// (`virDomainSuspend`)
    case pause = 7
    /// (`virDomainResume`)
    case resume = 8
    /// Stops the guest, if one runs, and starts it with its image loaded anew. (`virDomainReset`)
    case restart = 9
    /// Turns the stream of events on or off. (`virConnectDomainEventRegisterAny`)
    case events = 10
    /// What the machine has: its cores, caches, memory, functions and remapping units, item by item.
    /// (`virConnectGetCapabilities`, `virConnectListAllNodeDevices`)
    case inventory = 11
    /// Has the partition's cores read back what protects them, and tells what they read back before.
    case selfCheck = 12
    /// What the hypervisor itself has said since it was started.
    case log = 13

    public var description: OperationDescription {
        switch self {
        case .hello, .list: .init()
        case .statistics: .init(permission: .statistics, fields: .partition | .vcpu)
        case .consoleRead: .init(permission: .consoleRead, fields: .partition | .position)
        case .consoleWrite: .init(permission: .consoleWrite, fields: .partition | .data, isRepeatable: false)
        case .start: .lifecycle(.start, in: .stopped | .crashed, busy: .stopping, to: .running)
        case .stop: .lifecycle(.stop, in: .running | .paused | .starting | .stopping, to: .stopped)
        case .pause: .lifecycle(.pause, in: .running, busy: .starting, to: .paused)
        case .resume: .lifecycle(.resume, in: .paused, to: .running)
        case .restart: .lifecycle(.restart, in: .settled, busy: .starting | .stopping, to: .running)
        case .events: .init(fields: .on)
        case .inventory, .log: .init(fields: .position)
        case .selfCheck: .init(permission: .selfCheck, fields: .partition)
        }
    }
}

/// One row of the table of operations.
public struct OperationDescription: Sendable {
    /// What the manifest must permit on the partition. Empty: any manager that the manifest gave a link may ask.
    public var permission = ControlOperations()
    /// Exactly the fields that a request has beside the operation.
    public var fields = RequestFields()
    /// Whether asking twice is the same as asking once. If not, a request that comes again with the same number, because its
    /// reply was lost on the line, is answered again but not carried out again.
    public var isRepeatable = true
    /// Of an operation that changes a partition's state: in which states it is possible, in which it is refused as `busy`
    /// because a change is under way, and which state it leads to.
    public var transition: (in: PartitionStates, busy: PartitionStates, to: PartitionState)?

    /// An operation that the core of the partition's boot vCPU carries out.
    static func lifecycle(
        _ permission: ControlOperations, in states: PartitionStates, busy: PartitionStates = .init(),
        to state: PartitionState
    ) -> Self {
        .init(permission: permission, fields: .partition, isRepeatable: false, transition: (states, busy, state))
    }

    /// Whether a partition in `state` takes the operation: `ok`, `busy` or `wrongState`.
    public func status(in state: PartitionState) -> ControlStatus {
        guard let transition, !transition.in.contains(.init(state)) else { return .ok }
        return transition.busy.contains(.init(state)) ? .busy : .wrongState
    }
}
