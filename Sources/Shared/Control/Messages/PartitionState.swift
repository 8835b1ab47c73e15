import Text

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
}

/// Several states.
public struct PartitionStates: FlagSet, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }
    public init(_ state: PartitionState) { rawValue = 1 << state.rawValue }
    static let stopped = PartitionStates(.stopped)
    static let starting = PartitionStates(.starting)
    static let running = PartitionStates(.running)
    static let paused = PartitionStates(.paused)
    static let stopping = PartitionStates(.stopping)
    static let crashed = PartitionStates(.crashed)
    /// Those in which no change is under way.
    static let settled = stopped | running | paused | crashed
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
    /// A core of the partition did not start, or does not answer.
    case coreLost = 10
    /// Another partition resets the physical function of virtual functions that this one owns.
    case physicalFunction = 11
    /// A PCI function did not come back from its reset.
    case functionLost = 12
    /// The guest has not kicked its watchdog in time.
    case watchdog = 13
    /// The guest came to an end more often within an hour than the manifest's policy starts it anew.
    case restartLimit = 14
    /// The watch has answered a change to the guest's kernel.
    case attack = 16
}
