/// What follows when something in a guest changes what its kernel does not change once it runs.
public enum WatchResponse: UInt8, Sendable {
    /// Nothing is guarded.
    case off = 0
    /// It is told, and let through.
    case report = 1
    /// It is told, and does not take place: a write is dropped, an instruction gets #GP.
    case refuse = 2
    /// Refused, and the guest is paused: a manager looks at it, resumes or ends it.
    case freeze = 3
    /// Refused, and the guest ends; it stays stopped.
    case kill = 4
    /// Refused, and the guest starts again from its image.
    case restart = 5
}

/// How a partition's kernel is guarded from below.
public struct WatchSpec: Sendable, Equatable {
    public var response = WatchResponse.off
    /// Seconds from a guest's start in which all is told and let through.
    public var lockAfter: UInt32 = 0
    /// The longest of those, a day.
    public static let maxLockAfter: UInt32 = 86_400
    public init() {}
}
