import Control

/// An operation that leads a partition to another state, from the request until that has happened.
public struct LifecycleChange: Sendable {
    public enum Progress: Equatable, Sendable {
        case done
        case underWay
        /// It happened, and then the guest ended: a start that ends in a crash has failed.
        case ended
    }

    private let wanted: PartitionState
    private let startsAnew: Bool
    private let startsBefore: UInt64

    /// nil for an operation that changes no state.
    /// - Parameter before: the partition as it was before the operation was asked for.
    public init?(_ operation: ControlOperation, before: PartitionInfo) {
        guard let transition = operation.description.transition else { return nil }
        wanted = transition.to
        // One that is possible only with a guest that is there already continues it.
        startsAnew = transition.to == .running && transition.in.contains(.init(.stopped))
        startsBefore = before.starts
    }

    /// How far it has come, by the partition as it is now.
    public func progress(_ now: PartitionInfo) -> Progress {
        guard !startsAnew || now.starts > startsBefore else { return .underWay }
        if now.state == wanted { return .done }
        // A guest may end as quickly as it began.
        return now.state == .crashed || (wanted == .running && now.state == .stopped) ? .ended : .underWay
    }
}
