import Control

/// `virDomainEventType` and its detail.
struct LifecycleEvent: Equatable {
    var event: Int32
    var detail: Int32

    static let defined = LifecycleEvent(event: 0, detail: 0)
    static let updated = LifecycleEvent(event: 0, detail: 1)
    static let undefined = LifecycleEvent(event: 1, detail: 0)
    static let started = LifecycleEvent(event: 2, detail: 0)
    static let suspended = LifecycleEvent(event: 3, detail: 0)
    static let resumed = LifecycleEvent(event: 4, detail: 0)

    /// Stopped: 0 the guest shut down, 1 destroyed, 2 crashed, 5 failed to start.
    static func stopped(_ cause: StateCause) -> LifecycleEvent {
        let detail: Int32 =
            switch cause {
            case .manifest, .poweroff, .reboot: 0
            case .manager: 1
            case .badImage: 5
            // Everything else ended a guest that would have gone on.
            default: 2
            }
        return LifecycleEvent(event: 5, detail: detail)
    }
}

/// What clients are told of a domain.
enum DomainChange: Equatable {
    case lifecycle(LifecycleEvent)
    /// The guest started anew without the domain having stopped.
    case rebooted
}
