/// What a partition is doing.
public enum PartitionState: UInt8, Sendable {
    /// No guest; memory cleared.
    case stopped = 0
    /// Memory is being cleared, or the image loaded.
    case starting = 1
    case running = 2
    /// The guest keeps its state but runs no instruction.
    case paused = 3
    /// The guest runs no more; its memory is being cleared.
    case stopping = 4
    /// Stopped, because the guest crashed or the hypervisor's instance below it did.
    case crashed = 5

    /// The word for tables and reports; stable.
    public var name: StaticString {
        switch self {
        case .stopped: "stopped"
        case .starting: "starting"
        case .running: "running"
        case .paused: "paused"
        case .stopping: "stopping"
        case .crashed: "crashed"
        }
    }

    /// Whether `operation` makes sense now: `ok`, `busy` while a change is under way, else `wrongState`.
    public func answer(to operation: ControlOperation) -> ControlStatus {
        switch (operation, self) {
        case (.start, .stopped), (.start, .crashed): .ok
        case (.stop, .running), (.stop, .paused), (.stop, .starting): .ok
        case (.pause, .running), (.resume, .paused): .ok
        case (.restart, .stopped), (.restart, .crashed), (.restart, .running), (.restart, .paused): .ok
        case (.start, .stopping), (.restart, .starting), (.restart, .stopping), (.pause, .starting): .busy
        case (.start, _), (.stop, _), (.pause, _), (.resume, _), (.restart, _): .wrongState
        default: .ok
        }
    }
}

/// Why a partition is in the state that it is in.
public enum StateCause: UInt8, Sendable {
    /// The manifest says so: started with the machine, or never started.
    case manifest = 0
    /// A manager asked for it.
    case manager = 1
    /// The guest switched itself off.
    case poweroff = 2
    /// The guest reset itself.
    case reboot = 3
    /// The guest faulted beyond recovery: a triple fault.
    case tripleFault = 4
    /// The guest did what it may not, in a way after which it cannot go on.
    case violation = 5
    /// The hypervisor's own instance for this partition faulted.
    case hypervisorFault = 6
    /// The image could not be loaded.
    case badImage = 7
    /// The guest's kernel panicked and said so.
    case panic = 8
    /// The silicon reported an error that it could not correct.
    case machineCheck = 9

    /// The word for tables and reports; stable.
    public var name: StaticString {
        switch self {
        case .manifest: "manifest"
        case .manager: "manager"
        case .poweroff: "poweroff"
        case .reboot: "reboot"
        case .tripleFault: "triple fault"
        case .violation: "violation"
        case .hypervisorFault: "hypervisor fault"
        case .badImage: "bad image"
        case .panic: "panic"
        case .machineCheck: "machine check"
        }
    }
}
