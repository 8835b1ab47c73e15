/// What follows when something in a guest changes what its kernel does not change once it runs. The raw values, from 0 on, are in
/// manifests.
public enum WatchResponse: UInt8, Sendable {
    /// Nothing is guarded.
    case off
    /// It is told, and let through; or does not take place: a write is dropped, an instruction gets #GP; or besides the guest is paused,
    /// for a manager who looks at it, resumes or ends it; or ends and stays stopped; or starts again from its image.
    case report, refuse, freeze, kill, restart
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
