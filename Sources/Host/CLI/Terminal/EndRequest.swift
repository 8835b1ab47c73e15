import Foundation
import Synchronization

/// Whether the process was asked to end; set by signals, looked at by loops, so that a terminal is always put right.
enum EndRequest {
    private static let made = Atomic(false)

    static var isMade: Bool { made.load(ordering: .relaxed) }

    static func bySignals() {
        for number in [SIGTERM, SIGHUP, SIGINT] {
            signal(number) { _ in EndRequest.made.store(true, ordering: .relaxed) }
        }
    }
}
