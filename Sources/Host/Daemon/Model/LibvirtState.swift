import Control

/// A partition's state in libvirt's words: `virDomainState` with its reason, and whether the domain counts as active.
struct LibvirtState: Equatable {
    var state: Int32
    var reason: Int32

    var isActive: Bool { state != Self.shutOff && state != Self.crashed }

    static let running: Int32 = 1
    static let paused: Int32 = 3
    static let shutDown: Int32 = 4
    static let shutOff: Int32 = 5
    static let crashed: Int32 = 6

    /// - Parameter wasPaused: a running guest ran before, was paused and goes on.
    init(_ state: PartitionState, _ cause: StateCause, wasPaused: Bool = false) {
        switch state {
        // A guest's memory is cleared and its image loaded: the domain is there already, its first instruction not yet.
        case .starting: (self.state, reason) = (Self.running, 1)
        case .running: (self.state, reason) = (Self.running, wasPaused ? 5 : 1)
        case .paused: (self.state, reason) = (Self.paused, 1)
        case .stopping: (self.state, reason) = (Self.shutDown, cause == .poweroff ? 1 : 0)
        case .stopped: (self.state, reason) = (Self.shutOff, Self.reason(off: cause))
        // libvirt's clients take VIR_DOMAIN_CRASHED for a domain that can be started: as shut off, reason crashed.
        case .crashed: (self.state, reason) = (Self.shutOff, 3)
        }
    }

    private static func reason(off cause: StateCause) -> Int32 {
        switch cause {
        case .manifest: 0
        case .poweroff, .reboot: 1
        case .manager: 2
        case .badImage: 6
        // Everything else ended a guest that would have gone on.
        default: 3
        }
    }
}
